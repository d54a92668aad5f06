"""The head of the chain is told once a day, and a chat that can't be reached is tried again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from gateway.audit.witness import Witness
from gateway.errors import NotDurable, RequestIdReused
from gateway.store.seals import Checkpoint
from tests.support.virtual_time import virtual

AT = datetime(2026, 11, 24, 23, 58, 30, tzinfo=UTC)


def a_checkpoint(number: int) -> Checkpoint:
    at = AT + timedelta(minutes=number)
    return Checkpoint(number=number, at=at, seq=7 * number, link=bytes([number]) * 32, key_id="k", signature=b"")


class Chat:
    """The security chat; what it was sent is by request id, each of which it takes once."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.failures: list[str] = []
        self.asked = 0
        self.is_failing = False

    async def post(self, text: str, request_id: str) -> None:
        self.asked += 1
        if self.is_failing:
            raise NotDurable
        if request_id in self.texts:
            raise RequestIdReused
        self.texts[request_id] = text

    async def told(self, witness: Witness, *numbers: int) -> None:
        running = asyncio.create_task(witness.run(self.post, self.failures.append))
        for number in numbers:
            witness.notice(a_checkpoint(number))
            await asyncio.sleep(1)
        running.cancel()


@virtual
async def test_the_first_head_of_each_day_is_told() -> None:
    chat = Chat()
    await chat.told(Witness(), 0, 1, 2, 3, 4)
    assert list(chat.texts) == ["audit-head-2026-11-24", "audit-head-2026-11-25"]
    assert "SEQ  14\nLINK " + "02" * 32 in chat.texts["audit-head-2026-11-25"]
    assert chat.asked == 2


@virtual
async def test_a_gateway_that_starts_anew_tells_it_no_second_time() -> None:
    chat = Chat()
    await chat.told(Witness(), 2)
    await chat.told(Witness(), 3, 4)
    assert "SEQ  14\n" in chat.texts["audit-head-2026-11-25"]
    assert (chat.asked, chat.failures) == (2, [])


@virtual
async def test_what_was_not_sent_is_tried_with_the_next_checkpoint() -> None:
    chat, witness = Chat(), Witness()
    chat.is_failing = True
    await chat.told(witness, 2, 3)
    assert len(chat.failures) == 2
    chat.is_failing = False
    await chat.told(witness, 4)
    assert "SEQ  28\n" in chat.texts["audit-head-2026-11-25"]
