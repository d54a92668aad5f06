"""How many streams one client may have open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from gateway.desk import stay
from gateway.errors import PermissionDenied, QuotaExceeded
from gateway.model import Permission
from tests.support.open_house import CHAT, House, open_house

RIGHTS = frozenset({Permission.READ, Permission.WRITE})


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(stay, "MOST_STREAMS", 2)
    async with open_house() as opened:
        yield opened


async def test_row_37_a_client_has_its_share_of_open_streams_and_takes_none_of_anothers(house: House) -> None:
    desk, caller = house.desk, house.caller(permissions=RIGHTS)
    done = asyncio.Event()

    async def work() -> None:
        await done.wait()

    sending = [asyncio.ensure_future(desk.while_open(caller, work())) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(QuotaExceeded) as refused:
        await desk.while_open(caller, work())
    assert refused.value.facts == {"quota": "open_streams", "limit": "2"}
    async with aclosing(desk.watch_messages(caller, "")) as watched:
        await anext(watched)
        with pytest.raises(QuotaExceeded, match="share of open streams"):
            await anext(watched)
    other = asyncio.ensure_future(desk.while_open(house.caller(client="other"), work()))
    await asyncio.sleep(0)
    assert not other.done()
    done.set()
    await asyncio.gather(*sending, other)
    await desk.while_open(caller, work())


async def test_row_34_a_stream_that_writes_ends_when_no_chat_is_left_to_write_to(house: House) -> None:
    async def forever() -> None:
        await asyncio.Event().wait()

    sending = asyncio.ensure_future(house.desk.while_open(house.caller(), forever()))
    await house.administration.suspend_chat(CHAT)
    await house.registry.refresh()
    with pytest.raises(PermissionDenied):
        async with asyncio.timeout(10):
            await sending
