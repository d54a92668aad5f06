"""The webhook is Telegram's alone, is set by one, and stays set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from gateway.model import Record
from gateway.telegram.failures import BotRefused, NotSent, RateLimited
from gateway.updates.webhook import CHECK_EVERY, FIRST_CHECK, Registration, Webhook
from tests.support.updates import raw_message
from tests.support.virtual_time import VirtualClock, virtual
from tests.unit.updates.room import Room

URL, SECRET = "https://chatkey.example/hook", "s3cret"


@asynccontextmanager
async def registering(room: Room, is_our_turn: Callable[[], bool] = lambda: True) -> AsyncIterator[None]:
    registration = Registration(room.telegram, room.patience, URL, SECRET, is_our_turn=is_our_turn)
    work = asyncio.create_task(registration.run())
    try:
        yield
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


def methods(room: Room) -> list[str]:
    return [method for method, _ in room.telegram.calls]


@virtual
async def test_it_is_set_at_the_start_and_looked_at_from_time_to_time() -> None:
    room = Room()
    async with registering(room):
        await asyncio.sleep(3 * CHECK_EVERY.total_seconds() + 1)
    assert (room.telegram.url, room.telegram.secret) == (URL, SECRET)
    assert methods(room) == ["setWebhook", *["getWebhookInfo"] * 3]
    assert FIRST_CHECK < CHECK_EVERY
    assert not room.patience.clashes


@pytest.mark.parametrize("other", ["", "https://somebody.example/123456:their-secret-path"])
def test_one_that_somebody_else_changes_is_told_of_and_set_again(other: str) -> None:
    @virtual
    async def changed() -> None:
        room = Room()
        async with registering(room):
            await asyncio.sleep(1)
            room.telegram.url = other
            await asyncio.sleep(FIRST_CHECK.total_seconds())
            assert room.telegram.url == URL
            assert room.patience.clashes

    changed()


@virtual
async def test_a_webhook_that_telegram_can_t_reach_is_told_of_once_for_each_time_it_failed() -> None:
    room = Room()
    room.telegram.add(raw_message(1))
    registration = Registration(room.telegram, room.patience, URL, SECRET)
    work = asyncio.create_task(registration.run())
    with capture_logs() as lines:
        room.telegram.problem = "Connection refused", 1_900_000_000
        await asyncio.sleep(3 * CHECK_EVERY.total_seconds())
        room.telegram.problem = "Connection refused", 1_900_000_500
        await asyncio.sleep(CHECK_EVERY.total_seconds())
    assert [(line["event"], line["why"], line["waiting"]) for line in lines if "why" in line] == [
        ("updates.not_delivered", "Connection refused", 1)
    ] * 2
    assert registration.waiting == 1
    work.cancel()


@virtual
async def test_what_fails_is_tried_again() -> None:
    room = Room()
    room.telegram.faults = [NotSent("x"), RateLimited(429, "x", None), BotRefused(401, "x")]
    async with registering(room):
        await asyncio.sleep(20)
    assert methods(room) == ["setWebhook"] * 4
    assert (room.telegram.url, room.refused) == (URL, 1)


@virtual
async def test_whoever_has_the_turn_sets_it() -> None:
    room, turn = Room(), [False]
    async with registering(room, lambda: turn[0]):
        await asyncio.sleep(10)
        assert room.telegram.url == ""
        turn[0] = True
        await asyncio.sleep(1)
        assert room.telegram.url == URL


@virtual
async def test_what_the_storage_does_not_take_is_not_answered_so_that_it_is_sent_again() -> None:
    room = Room()
    webhook = Webhook(room.intake, SECRET, VirtualClock(), lambda _: None)
    room.store.is_failing = True
    assert not await webhook.take(raw_message(1))
    room.store.is_failing = False
    assert await webhook.take(raw_message(1))
    assert await room.kept() == [1]


@virtual
async def test_only_the_secret_given_once_opens_and_whatever_else_is_given_is_noted_without_it() -> None:
    told: list[Record] = []
    webhook = Webhook(Room().intake, SECRET, VirtualClock(), told.append)
    assert webhook.admits([SECRET], "10.0.0.1")
    assert told == []
    for secrets, why in (
        ([], "no_secret"),
        ([""], "wrong_secret"),
        (["S3cret"], "wrong_secret"),
        (["s3cret "], "wrong_secret"),
        (["s3crét\udcff"], "wrong_secret"),
        ([SECRET, SECRET], "repeated_secret"),
    ):
        assert not webhook.admits(secrets, "10.0.0.1")
        record = told.pop()
        assert (record.event, record.decision, record.reason) == ("webhook.refused", "deny", why)
        assert (record.address, record.verified, record.facts) == ("10.0.0.1", False, {})
    assert webhook.refused == {"no_secret": 1, "wrong_secret": 4, "repeated_secret": 1}
