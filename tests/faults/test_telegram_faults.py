"""Every fault between the gateway and Telegram, once with each `when_unknown`: what becomes of the message, how often
the chat sees it, what the caller is told; and the auditor finds that all sides tell the same story."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

import chatkey
from chatkey import Client, Message, State, WhenUnknown
from gateway import model
from gateway.sandbox import Sandbox
from gateway.sandbox import running as sandbox_running
from tests.faults.evidence import evidence
from tests.support.auditor import Told, audit
from tests.support.gateway import gateway
from tests.support.kept import answered, shown
from tests.support.server import free_port

CHAT, OTHER, ELSEWHERE, SUPERGROUP = -1001, -1002, -1003, -1001234567890
TEXT, BEHIND = "struck", "behind it"


@dataclass(frozen=True)
class Case:
    """What a fault, met once, leads to.

    Attributes:
        state: The state in the end.
        seen: How often the chat sees the message.
        told: Code and reason of the error that the caller gets; None: it gets the message.
        attempts: How often the message was handed to Telegram.
        doubtful: Whether it is marked as possibly duplicated.
        closes: Whether the chat is taken for closed, so that what comes soon after it fails unasked.
    """

    state: State = State.DELIVERED
    seen: int = 1
    told: tuple[grpc.StatusCode, str] | None = None
    attempts: int = 2
    doubtful: bool = False
    closes: bool = False


AGAIN = Case()
AT_ONCE = Case(attempts=1)
INVALID = Case(State.FAILED, 0, (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"), 1)
NO_FAULT_OF_OURS = Case(State.FAILED, 0, (grpc.StatusCode.UNAVAILABLE, "TELEGRAM_FAILED"), 1)
CLOSED = Case(State.FAILED, 0, (grpc.StatusCode.FAILED_PRECONDITION, "CHAT_UNAVAILABLE"), 1, closes=True)
SEEN_TWICE = Case(seen=2, doubtful=True)
SEEN_LATE = Case(doubtful=True)
UNKNOWN_SEEN = Case(State.DELIVERY_UNKNOWN, 1, attempts=1)
UNKNOWN_NOT_SEEN = Case(State.DELIVERY_UNKNOWN, 0, attempts=1)

TABLE: dict[str, tuple[Mapping[str, Any], Case, Case]] = {
    # name: (the fault, what RESEND leads to, what GIVE_UP leads to)
    "429 small": ({"kind": "rate_limited", "retry_after": 1}, AGAIN, AGAIN),
    "429 without field": ({"kind": "rate_limited_bare"}, AGAIN, AGAIN),
    "400 parse": ({"kind": "cant_parse_entities"}, INVALID, INVALID),
    "400 migrated to what is no supergroup": ({"kind": "migrated", "migrate_to_chat_id": ELSEWHERE}, CLOSED, CLOSED),
    "403 kicked": ({"kind": "kicked"}, CLOSED, CLOSED),
    "401": ({"kind": "unauthorized"}, AT_ONCE, AT_ONCE),
    "409": ({"kind": "webhook_conflict"}, NO_FAULT_OF_OURS, NO_FAULT_OF_OURS),
    "500 JSON": ({"kind": "internal_error"}, AGAIN, AGAIN),
    "502 JSON": ({"kind": "bad_gateway"}, AGAIN, AGAIN),
    "200 with ok:false": ({"kind": "ok_false_200"}, AGAIN, AGAIN),
    "502 HTML": ({"kind": "bad_gateway_html"}, SEEN_LATE, UNKNOWN_NOT_SEEN),
    "reply lost": ({"kind": "lost_reply"}, SEEN_TWICE, UNKNOWN_SEEN),
    "reset before body": ({"kind": "reset_before_body"}, SEEN_LATE, UNKNOWN_NOT_SEEN),
    "reset after body": ({"kind": "reset_after_body"}, SEEN_LATE, UNKNOWN_NOT_SEEN),
    "slow drip": ({"kind": "slow_drip"}, AT_ONCE, AT_ONCE),
    "truncated JSON": ({"kind": "truncated_json"}, SEEN_TWICE, UNKNOWN_SEEN),
}
CASES = [
    pytest.param(fault, when_unknown, case, id=f"{name}, {when_unknown.value}")
    for name, (fault, *cases) in TABLE.items()
    for when_unknown, case in zip((WhenUnknown.RESEND, WhenUnknown.GIVE_UP), cases, strict=True)
]


def quiet_telegram() -> Sandbox:
    return Sandbox(limits="none", chats=[{"id": CHAT}, {"id": OTHER}, {"id": ELSEWHERE}])


class Diary:
    """A client that writes down what it is told."""

    def __init__(self, client: Client, chat_id: int = CHAT) -> None:
        self.client = client
        self.chat_id = chat_id
        self.told: list[Told] = []

    async def send(self, text: str, **options: Any) -> Message | chatkey.ChatkeyError:
        """Send to the chat, once more if it is asked to, and return the answer or the error."""
        when_unknown = options.setdefault("when_unknown", WhenUnknown.RESEND)
        options.setdefault("timeout", 30)
        told = Told(client="svc:test", chat_id=self.chat_id, text=text, request_id=text.replace(" ", "-"))
        told.give_up = when_unknown is WhenUnknown.GIVE_UP
        self.told.append(told)
        try:
            answer = await answered(self.client, text, chat_id=self.chat_id, request_id=told.request_id, **options)
        except chatkey.ChatkeyError as error:
            told.accepted.append(error.message_id)
            told.ends.append((error.message_id, model.State.FAILED))
            return error
        told.accepted.append(answer.id)
        if answer.state.is_final:
            told.ends.append((answer.id, model.State(answer.state.value)))
        return answer


@pytest.mark.parametrize(("fault", "when_unknown", "case"), CASES)
async def test_a_fault_ends_as_promised(
    tmp_path: Path, fault: Mapping[str, Any], when_unknown: WhenUnknown, case: Case
) -> None:
    telegram = quiet_telegram()
    async with gateway(tmp_path, telegram) as house, house.client(CHAT) as client:
        diary = Diary(client)
        chat_id = None if fault["kind"] == "reset_before_body" else CHAT
        telegram.add_fault("sendMessage", chat_id, fault=fault)
        answer = await diary.send(TEXT, when_unknown=when_unknown)
        repeated = await diary.send(TEXT, when_unknown=when_unknown)
        await diary.send(BEHIND)
        found = await evidence(house.config.database_path, telegram, diary.told)
    if isinstance(answer, chatkey.ChatkeyError):
        assert (answer.code, answer.reason) == case.told
        assert isinstance(repeated, chatkey.ChatkeyError)
        assert (repeated.code, repeated.reason, str(repeated)) == (answer.code, answer.reason, str(answer))
    else:
        assert case.told is None
        assert repeated == answer
        assert (answer.state, answer.possibly_duplicated) == (case.state, case.doubtful)
    struck, behind = found.messages
    assert (struck.state.value, struck.attempts) == (case.state.value, case.attempts)
    assert behind.state is (model.State.FAILED if case.closes else model.State.DELIVERED)
    assert shown(telegram, CHAT) == [TEXT] * case.seen + [BEHIND] * (not case.closes)
    assert audit(found) == []


@pytest.mark.parametrize("when_unknown", list(WhenUnknown))
async def test_a_chat_that_the_bot_does_not_know_is_told_from_a_bad_message(
    tmp_path: Path, when_unknown: WhenUnknown
) -> None:
    telegram = Sandbox(limits="none", chats=[{"id": OTHER}])
    async with gateway(tmp_path, telegram) as house, house.client(CHAT) as client:
        diary = Diary(client)
        answers = [await diary.send(text, when_unknown=when_unknown) for text in (TEXT, BEHIND)]
        async with house.client(OTHER) as other:
            elsewhere = Diary(other, OTHER)
            await elsewhere.send("elsewhere")
        found = await evidence(house.config.database_path, telegram, diary.told + elsewhere.told)
    assert [type(answer) for answer in answers] == [chatkey.ChatUnavailable] * 2
    assert [arrival.text for arrival in found.arrivals] == [TEXT, "elsewhere"]
    assert shown(telegram, OTHER) == ["elsewhere"]
    assert audit(found) == []


@pytest.mark.parametrize("when_unknown", list(WhenUnknown))
async def test_a_group_that_became_a_supergroup_is_waited_for_and_not_followed_unasked(
    tmp_path: Path, when_unknown: WhenUnknown
) -> None:
    telegram = quiet_telegram()
    telegram.add_chat(SUPERGROUP)
    telegram.add_fault("sendMessage", CHAT, fault={"kind": "migrated", "migrate_to_chat_id": SUPERGROUP})
    async with gateway(tmp_path, telegram) as house, house.client(CHAT) as client, house.client(SUPERGROUP) as new:
        diary = Diary(client)
        answer = await diary.send(TEXT, when_unknown=when_unknown, timeout=1)
        assert isinstance(answer, Message)
        assert not answer.state.is_final
        own = Diary(new, SUPERGROUP)
        await own.send("its own key")
        assert (await client.cancel(answer.id)).state is State.CANCELLED
        found = await evidence(house.config.database_path, telegram, diary.told + own.told)
    assert [arrival.text for arrival in found.arrivals] == [TEXT, "its own key"]
    assert [record.facts["new_chat_id"] for record in found.records if record.event == "chat.migrated"] == [SUPERGROUP]
    assert shown(telegram, SUPERGROUP) == ["its own key"]
    assert audit(found) == []


@pytest.mark.parametrize("when_unknown", list(WhenUnknown))
async def test_a_long_pause_is_told_and_kept_and_outlives_a_restart(tmp_path: Path, when_unknown: WhenUnknown) -> None:
    telegram = quiet_telegram()
    telegram.add_fault("sendMessage", CHAT, fault={"kind": "rate_limited", "retry_after": 3600})
    data = tmp_path / "data"
    async with gateway(data, telegram) as house, house.client(CHAT) as client:
        diary = Diary(client)
        answer = await diary.send(TEXT, when_unknown=when_unknown, timeout=1)
        assert isinstance(answer, Message)
        assert answer.state is State.RETRY_WAIT
        assert answer.failure is not None
        assert (answer.failure.reason, answer.failure.telegram_error_code) == ("TELEGRAM_FAILED", 429)
        assert answer.due_at is not None
        assert answer.accepted_at is not None
        assert (answer.due_at - answer.accepted_at).total_seconds() >= 3600
    async with gateway(data, telegram) as house, house.client(CHAT) as client:
        assert (await client.get(answer.id)) == answer
        behind = await Diary(client).send(BEHIND, timeout=1)
        assert isinstance(behind, Message)
        assert behind.state is State.QUEUED
        for message in (answer, behind):
            assert (await client.cancel(message.id)).state is State.CANCELLED
        found = await evidence(
            house.config.database_path,
            telegram,
            [*diary.told, Told(client="svc:test", chat_id=CHAT, text=BEHIND, accepted=[behind.id])],
        )
    assert [arrival.text for arrival in found.arrivals] == [TEXT]
    assert audit(found) == []


@pytest.mark.parametrize("when_unknown", list(WhenUnknown))
@pytest.mark.parametrize("broken", ["TLS", "DNS", "connection refused"])
async def test_what_was_certainly_not_sent_waits_and_is_sent_once(
    tmp_path: Path, broken: str, when_unknown: WhenUnknown
) -> None:
    telegram, data = quiet_telegram(), tmp_path / "data"
    async with sandbox_running(quiet_telegram()) as plain:
        wrong = {
            "TLS": plain.replace("http://", "https://"),
            "DNS": "https://telegram.invalid",
            "connection refused": f"http://127.0.0.1:{free_port()}",
        }[broken]
        async with gateway(data, telegram, bot_api_url=wrong) as house, house.client(CHAT) as client:
            diary = Diary(client)
            answer = await diary.send(TEXT, when_unknown=when_unknown, timeout=1)
            assert isinstance(answer, Message)
            assert not answer.state.is_final
    async with gateway(data, telegram) as house, house.client(CHAT) as diary.client:
        delivered = await diary.send(TEXT, when_unknown=when_unknown)
        found = await evidence(house.config.database_path, telegram, diary.told)
    assert isinstance(delivered, Message)
    assert (delivered.id, delivered.state, delivered.possibly_duplicated) == (answer.id, State.DELIVERED, False)
    assert shown(telegram, CHAT) == [TEXT]
    assert audit(found) == []
