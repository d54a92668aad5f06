"""The token file is replaced while messages are sent: no request fails, and the old token is not used again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.model import Draft
from gateway.telegram.connector import Connector, open_connector
from gateway.telegram.failures import BotRefused
from gateway.telegram.token import from_file
from tests.support.telegram_peer import Peer, held, only

DRAFT = Draft(chat_id=5, text="hello")


@pytest.fixture
def file(tmp_path: Path, token: str) -> Path:
    path = tmp_path / "token"
    path.touch(0o600)
    path.write_text(token)
    return path


def swap(file: Path, content: str) -> None:
    new = file.with_suffix(".new")
    new.touch(0o600)
    new.write_text(content)
    new.replace(file)


@asynccontextmanager
async def sending(peer: Peer, file: Path, **options: int) -> AsyncIterator[Connector]:
    async with open_connector(
        from_file(file), base_url=peer.url, answer_timeout=timedelta(seconds=20), **options
    ) as connector:
        yield connector


async def test_a_swap_in_mid_stream_costs_no_request(peer: Peer, file: Path, token: str, new_token: str) -> None:
    async with sending(peer, file) as connector:
        peer.otherwise = only(token)
        before = await asyncio.gather(*(connector.send_message(DRAFT) for _ in range(50)))
        revoked = asyncio.Event()
        peer.otherwise = held(revoked, then=only(new_token))
        across = [asyncio.create_task(connector.send_message(DRAFT)) for _ in range(50)]
        await peer.has_received(100)
        swap(file, new_token)
        after = [asyncio.create_task(connector.send_message(DRAFT)) for _ in range(50)]
        revoked.set()
        sent = before + await asyncio.gather(*across, *after)
    assert sent == [(7,)] * 150
    assert {request.token for request in peer.requests[:100]} == {token}
    assert {request.token for request in peer.requests[100:]} == {new_token}
    assert len(peer.requests) == 200, "those refused with the old token were repeated with the new one"


async def test_a_request_that_waited_for_a_connection_goes_out_with_the_new_token(
    peer: Peer, file: Path, token: str, new_token: str
) -> None:
    release = asyncio.Event()
    peer.then(held(release))
    async with sending(peer, file, connections=1) as connector:
        first = asyncio.create_task(connector.send_message(DRAFT))
        await peer.has_received(1)
        waiting = asyncio.create_task(connector.send_message(DRAFT))
        await asyncio.sleep(0)
        swap(file, new_token)
        release.set()
        await asyncio.gather(first, waiting)
    assert [request.token for request in peer.requests] == [token, new_token]


async def test_a_refused_token_is_not_tried_again_until_the_file_changes(
    peer: Peer, file: Path, new_token: str
) -> None:
    peer.otherwise = only(new_token)
    async with sending(peer, file) as connector:
        with pytest.raises(BotRefused) as refused:
            await connector.send_message(DRAFT)
        assert len(peer.requests) == 1
        assert refused.value.token_version == connector.token_version
        swap(file, new_token)
        assert refused.value.token_version != connector.token_version
        assert await connector.send_message(DRAFT) == (7,)


async def test_a_new_token_that_is_refused_too_ends_it(peer: Peer, file: Path, new_token: str) -> None:
    release = asyncio.Event()
    peer.otherwise = held(release, then=only())
    async with sending(peer, file) as connector:
        send = asyncio.create_task(connector.send_message(DRAFT))
        await peer.has_received(1)
        swap(file, new_token)
        release.set()
        with pytest.raises(BotRefused) as refused:
            await send
        assert len(peer.requests) == 2
        assert refused.value.token_version == connector.token_version
