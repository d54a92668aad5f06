"""Who waits how long while the bot's pace is the limit: threat row 37, and priorities."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.delivery.turns import PATIENCE
from gateway.model import Message, Priority, State
from tests.support.virtual_time import BEGINNING, virtual
from tests.unit.delivery.room import Room, open_room

PACE = 27
"""Messages a second that the bot brings out in this room: 30, and the way there and back."""


def waited(message: Message) -> float:
    assert message.finished_at is not None
    return (message.finished_at - message.accepted_at).total_seconds()


async def light(room: Room, clients: int, messages: int) -> list[float]:
    """Have some clients write to chats of their own, each a message every second; return how long they waited."""
    accepted = []
    for number in range(messages):
        for client in range(clients):
            chat_id = 10_000 + 100 * client + number
            accepted.append(await room.accept("alert", chat_id=chat_id, client=f"light{client}"))
        await asyncio.sleep(1)
    return [waited(await room.settled(message)) for message in accepted]


@virtual
async def test_row_37_one_heavy_client_costs_ten_light_ones_no_more_than_its_share() -> None:
    async with open_room() as room:
        alone = await light(room, clients=10, messages=10)
    async with open_room() as room:
        for chat_id in range(1, 3001):
            await room.accept("bulk", chat_id=chat_id, client="heavy")
        await asyncio.sleep(1)
        beside = await light(room, clients=10, messages=10)
        assert room.dispatcher.schedule.waiting_of["heavy"] > 2000, "it was there all the time"
    # Between two turns of a light client each of the other ten has one: its share of eleven, and what is on its way.
    assert max(beside) <= max(alone) + 11 / PACE + 1


@virtual
async def test_row_37_a_heavy_client_gets_what_the_light_ones_leave() -> None:
    async with open_room() as room:
        heavy = [await room.accept("bulk", chat_id=chat_id, client="heavy") for chat_id in range(1, 301)]
        lights = asyncio.create_task(light(room, clients=10, messages=10))
        ends = [await room.settled(message) for message in heavy]
        await lights
        assert all(end.state is State.DELIVERED for end in ends)
        assert max(map(waited, ends)) <= (300 + 100) / PACE + 2, "no turn is wasted on fairness"


@virtual
async def test_row_37_many_chats_of_one_client_are_one_share() -> None:
    async with open_room() as room:
        for chat_id in range(1, 601):
            await room.accept("bulk", chat_id=chat_id, client="heavy")
        one_chat = await room.accept("hi", chat_id=5000, client="light")
        assert waited(await room.settled(one_chat)) < 2


@pytest.mark.parametrize("urgent", [Priority.HIGH, Priority.NORMAL])
@virtual
async def test_bulk_waits_for_a_bounded_number_of_more_urgent_turns(urgent: Priority) -> None:
    async with open_room() as room:
        for chat_id in range(1, 2001):
            await room.accept("urgent", chat_id=chat_id, priority=urgent)
        bulk = [await room.accept("bulk", chat_id=9000 + n, priority=Priority.BULK) for n in range(5)]
        ends = [waited(await room.settled(message)) for message in bulk]
        assert max(ends) <= 5 * (PATIENCE + 1) / PACE + 2
        assert room.dispatcher.counts.waiting > 1500


@virtual
async def test_bulk_of_many_clients_is_shared_as_well() -> None:
    async with open_room() as room:
        for chat_id in range(1, 1001):
            await room.accept("urgent", chat_id=chat_id, priority=Priority.HIGH, client="a")
        for chat_id in range(2001, 3001):
            await room.accept("bulk", chat_id=chat_id, priority=Priority.BULK, client="b")
        light = await room.accept("bulk", chat_id=9000, priority=Priority.BULK, client="c")
        assert waited(await room.settled(light)) <= 2 * 2 * (PATIENCE + 1) / PACE + 2


@virtual
async def test_the_urgent_pass_by_and_bulk_fills_what_is_free() -> None:
    async with open_room() as room:
        bulk = [await room.accept("bulk", chat_id=n, priority=Priority.BULK) for n in range(1, 301)]
        urgent = [await room.accept("now", chat_id=1000 + n, priority=Priority.HIGH) for n in range(30)]
        assert max([waited(await room.settled(message)) for message in urgent]) < 3
        ends = [await room.settled(message) for message in bulk]
        assert max(end.finished_at for end in ends if end.finished_at) < BEGINNING + timedelta(seconds=330 / PACE + 2)
