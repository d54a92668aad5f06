"""Row 34: a message whose credential ended while it waited never leaves, however long after, whatever it waited for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.errors import StateStale
from gateway.model import Message, State, WhenUnknown
from gateway.telegram.failures import NotSent, Unanswered
from tests.support.model_store import ModelStore
from tests.support.virtual_time import virtual
from tests.unit.delivery.room import ScriptedBot, open_room


class Gate:
    """Says what may leave; `asked` is each message with the chat that it would have gone to."""

    def __init__(self) -> None:
        self.causes: dict[str, str] = {}
        self.stale = False
        self.asked: list[tuple[str, int]] = []

    def __call__(self, message: Message, chat_id: int) -> str | None:
        self.asked.append((message.id, chat_id))
        if self.stale:
            raise StateStale
        return self.causes.get(message.token_id)


@virtual
async def test_row_34_a_queued_message_of_a_revoked_token_never_leaves() -> None:
    gate = Gate()
    async with open_room(may_leave=gate) as room:
        # One a second for each chat: the second one waits for its turn.
        first, second = await room.accept("first"), await room.accept("second")
        assert (await room.settled(first)).state is State.DELIVERED
        gate.causes["t1"] = "revoked_jti"
        ended = await room.settled(second)
        assert room.bot.texts == ["first"]
        assert ended.state is State.FAILED
        assert ended.attempts == 0
        assert ended.failure is not None
        assert ended.failure.reason == "CREDENTIAL_ENDED"
        (record,) = [record for record in room.store.log if record.event == "message.failed"]
        assert (record.decision, record.reason, record.message_id) == ("deny", "revoked_jti", second.id)
        assert (record.token_id, record.client, record.chat_id) == ("t1", "ops", 1)
        assert gate.asked == [(first.id, 1), (second.id, 1)]


@virtual
async def test_row_34_a_message_for_later_is_looked_at_when_it_is_due() -> None:
    gate = Gate()
    async with open_room(may_leave=gate) as room:
        message = await room.accept("later", send_at=room.clock.now() + timedelta(hours=2))
        gate.causes["t1"] = "chat_suspended"
        assert (await room.settled(message, 3 * 3600)).state is State.FAILED
        assert room.bot.texts == []


@virtual
async def test_row_34_a_message_between_two_attempts_is_not_attempted_again() -> None:
    gate, bot = Gate(), ScriptedBot()
    bot.script = [NotSent()]
    async with open_room(bot=bot, may_leave=gate) as room:
        message = await room.accept("again")
        while not bot.texts:
            await room.settled(message, 0.1)
        gate.causes["t1"] = "client_disabled"
        ended = await room.settled(message)
        assert (ended.state, ended.attempts) == (State.FAILED, 1)
        assert len(bot.texts) == 1


@virtual
async def test_what_the_chat_may_have_seen_is_not_called_failed() -> None:
    gate, bot = Gate(), ScriptedBot()
    bot.script = [Unanswered()]
    async with open_room(bot=bot, may_leave=gate) as room:
        message = await room.accept("doubt", when_unknown=WhenUnknown.RESEND)
        while not bot.texts:
            await room.settled(message, 0.1)
        gate.causes["t1"] = "revoked_key"
        assert (await room.settled(message)).state is State.DELIVERY_UNKNOWN
        assert len(bot.texts) == 1


@virtual
async def test_row_34_what_an_earlier_run_left_is_looked_at_too() -> None:
    store, gate = ModelStore(), Gate()
    async with open_room(store, may_leave=gate) as room:
        for text in ("first", "second"):
            message = await room.accept(text)
    gate.causes["t1"] = "revoked_client"
    async with open_room(store, may_leave=gate) as room:
        ended = await room.settled(message)
        assert ended.failure is not None
        assert ended.failure.reason == "CREDENTIAL_ENDED"
        assert "second" not in room.bot.texts


@virtual
async def test_one_credentials_end_holds_nobody_else_back() -> None:
    gate = Gate()
    gate.causes["t1"] = "revoked_jti"
    async with open_room(may_leave=gate) as room:
        ended = await room.accept("ended")
        gate.causes.clear()
        kept = await room.accept("kept")
        assert (await room.settled(ended)).state is State.FAILED
        assert (await room.settled(kept)).state is State.DELIVERED
        # What was not attempted has taken no place in the chat's second.
        assert room.bot.sent[0][0] < 1


@virtual
async def test_while_nothing_can_be_told_a_message_waits_on() -> None:
    gate = Gate()
    gate.stale = True
    async with open_room(may_leave=gate) as room:
        message = await room.accept("waits")
        waiting = await room.settled(message, 10)
        assert (waiting.state, waiting.attempts) == (State.QUEUED, 0)
        assert room.bot.texts == []
        gate.stale = False
        assert (await room.settled(message)).state is State.DELIVERED
        assert {record.reason for record in room.store.log if record.event == "message.queued"} == {"state_stale"}


@virtual
async def test_a_second_attempt_waits_on_as_one() -> None:
    gate, bot = Gate(), ScriptedBot()
    bot.script = [NotSent()]
    async with open_room(bot=bot, may_leave=gate) as room:
        message = await room.accept("again")
        while not bot.texts:
            await room.settled(message, 0.1)
        gate.stale = True
        waiting = await room.settled(message, 10)
        assert (waiting.state, waiting.attempts) == (State.RETRY_WAIT, 1)
        gate.stale = False
        assert (await room.settled(message)).state is State.DELIVERED


@pytest.mark.parametrize("mode", ["telegram", "off"])
@virtual
async def test_while_it_is_held_nothing_begins_and_nothing_is_written(mode: str) -> None:
    gate = Gate()
    async with open_room(may_leave=gate, mode=mode) as room:
        room.dispatcher.hold(True)
        message = await room.accept("held")
        written = len(room.store.log)
        assert (await room.settled(message, 60)).state is State.QUEUED
        assert (gate.asked, len(room.store.log)) == ([], written)
        room.dispatcher.hold(False)
        assert (await room.settled(message)).state is State.DELIVERED


@virtual
async def test_who_holds_it_does_not_let_go_for_a_bot_that_is_taken_again() -> None:
    async with open_room() as room:
        room.dispatcher.hold(True)
        room.dispatcher.bot_refused()
        message = await room.accept("held")
        assert (await room.settled(message, 60)).state is State.QUEUED
        assert room.bot_states == [False, True]
        room.dispatcher.hold(False)
        assert (await room.settled(message)).state is State.DELIVERED
