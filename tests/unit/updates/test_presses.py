"""An answer to a press goes to Telegram at once, and again for as long as the call may take."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.errors import CallbackExpired, TelegramUnavailable
from gateway.telegram.failures import BotFailure, BotRefused, NotSent, RateLimited, Refused, ServerFailed, Unanswered
from gateway.updates.presses import Presses
from tests.support.virtual_time import virtual

TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"


class Telegram:
    """Fails as it is told, and then takes the answer or hangs; knows when it was asked."""

    def __init__(self, *failures: BotFailure, hangs: bool = False) -> None:
        self.failures = [*failures]
        self.hangs = hangs
        self.asked: list[tuple[str, str, bool]] = []
        self.times: list[float] = []

    async def answer_callback(self, callback_id: str, text: str, *, show_alert: bool) -> None:
        self.asked.append((callback_id, text, show_alert))
        self.times.append(asyncio.get_running_loop().time())
        if self.failures:
            raise self.failures.pop(0)
        if self.hangs:
            await asyncio.Event().wait()


async def answer(telegram: Telegram, seconds: float = 10) -> None:
    await Presses(telegram).answer("77", "done", show_alert=True, within=timedelta(seconds=seconds))


@virtual
async def test_an_answer_is_handed_on_as_it_is() -> None:
    telegram = Telegram()
    await answer(telegram)
    assert telegram.asked == [("77", "done", True)]


@virtual
async def test_what_passes_is_tried_again_after_a_while_that_grows() -> None:
    telegram = Telegram(NotSent(), Unanswered(), ServerFailed(502, "Bad Gateway"), NotSent(), NotSent(), NotSent())
    await answer(telegram)
    assert telegram.times == [0, 0.25, 0.75, 1.75, 3.75, 5.75, 7.75]
    assert set(telegram.asked) == {("77", "done", True)}


@virtual
async def test_telegram_is_left_alone_for_as_long_as_it_asks() -> None:
    telegram = Telegram(
        RateLimited(429, "Too Many Requests", timedelta(seconds=3)), RateLimited(429, "Too Many Requests", None)
    )
    await answer(telegram)
    assert telegram.times == [0, 3, 3.5]


@pytest.mark.parametrize("telegram", [Telegram(*[NotSent() for _ in range(99)]), Telegram(hangs=True)])
@virtual
async def test_a_call_ends_in_time(telegram: Telegram) -> None:
    with pytest.raises(TelegramUnavailable):
        await answer(telegram, 4)
    assert asyncio.get_running_loop().time() == 4
    assert telegram.times[-1] < 4


@virtual
async def test_a_press_of_long_ago_is_told_from_what_is_wrong_with_the_bot() -> None:
    for failure, error in (
        (Refused(400, TOO_OLD), CallbackExpired),
        (BotRefused(401, "Unauthorized"), TelegramUnavailable),
        (Refused(413, "Request Entity Too Large"), TelegramUnavailable),
    ):
        telegram = Telegram(failure)
        with pytest.raises(error):
            await answer(telegram)
        assert len(telegram.asked) == 1
