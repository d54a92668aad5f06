"""The security team is told at once and once, and never more than it can read, whatever a hostile client does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.audit import alerts
from gateway.audit.alerts import A_WINDOW, SILENCE, WINDOW, Alerts
from gateway.errors import NotDurable
from gateway.model import Record
from tests.support.virtual_time import VirtualClock, virtual

MISMATCH = Record(
    at=datetime(2026, 11, 24, 12, tzinfo=UTC),
    event="call.refused",
    decision="deny",
    reason="chat_mismatch",
    client="svc:a",
    token_id="01JD",
    key_id="chatkey-1",
    address="192.0.2.1",
    method="/chatkey.v1.MessagingGateway/SendMessage",
    error_id="e1",
    chat_id=-1001,
    claimed_chat_id=-1002,
)
HOUR = SILENCE.total_seconds()


class Chat:
    """The security chat: what it was sent, and when."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.times: list[float] = []
        self.failures: list[str] = []
        self.is_failing = False
        self.alerts = Alerts(VirtualClock())
        self.running = asyncio.create_task(self.alerts.run(self.post, self.failures.append))

    async def post(self, text: str) -> None:
        if self.is_failing:
            raise NotDurable
        self.texts.append(text)
        self.times.append(VirtualClock().monotonic())


def numbered(number: int, client: str = "svc:a") -> Record:
    return replace(MISMATCH, client=client, claimed_chat_id=-number)


@virtual
async def test_an_attempt_on_a_foreign_chat_is_told_at_once_with_all_that_helps() -> None:
    chat = Chat()
    chat.alerts.notice(MISMATCH)
    await asyncio.sleep(0.001)
    assert chat.texts == [
        "A key was used for a chat that is not its own. It was refused.\n"
        "\n"
        "client    svc:a\n"
        "token     01JD\n"
        "asked for chat -1002\n"
        "may use   chat -1001\n"
        "from      192.0.2.1\n"
        "method    /chatkey.v1.MessagingGateway/SendMessage\n"
        "error id  e1\n"
        "at        2026-11-24T12:00:00.000Z"
    ]


@virtual
async def test_the_same_is_told_again_after_an_hour_and_not_before() -> None:
    chat = Chat()
    for seconds in (0.0, 1.0, HOUR - 2.0, 2.0):
        await asyncio.sleep(seconds)
        chat.alerts.notice(MISMATCH)
    await asyncio.sleep(1)
    assert chat.times == [0.0, HOUR + 1]
    assert chat.texts[0] == chat.texts[1]


@virtual
async def test_another_client_another_chat_and_another_kind_are_told_for_themselves() -> None:
    chat = Chat()
    for record in (
        MISMATCH,
        numbered(5),
        replace(MISMATCH, client="svc:b"),
        replace(MISMATCH, reason="canary_used", claimed_chat_id=None),
    ):
        chat.alerts.notice(record)
    await asyncio.sleep(1)
    assert len(chat.texts) == 4
    assert chat.texts[3].startswith("A canary was used")


@virtual
async def test_what_is_nobodys_business_is_not_told() -> None:
    chat = Chat()
    chat.alerts.notice(replace(MISMATCH, reason="token_expired"))
    chat.alerts.notice(replace(MISMATCH, verified=False))
    await asyncio.sleep(HOUR)
    assert chat.texts == []


@virtual
async def test_a_flood_is_told_in_few_messages_that_count_it_exactly() -> None:
    chat = Chat()
    for number in range(1, 3001):
        chat.alerts.notice(numbered(number, f"svc:{number % 7}"))
        await asyncio.sleep(0.1)
    await asyncio.sleep(2 * WINDOW.total_seconds())
    summaries = [text for text in chat.texts if "more alerts" in text]
    assert len(summaries) <= 6
    assert sum(int(text.split()[0]) for text in summaries) + len(chat.texts) - len(summaries) == 3000
    for end in chat.times:
        assert sum(end - 60 < at <= end for at in chat.times) <= 2 * A_WINDOW + 2
    assert "svc:" in summaries[0]
    assert "others" in summaries[0]


@virtual
async def test_a_flood_of_one_kind_hides_none_of_another() -> None:
    chat = Chat()
    for number in range(1, 1001):
        chat.alerts.notice(numbered(number))
    chat.alerts.notice(replace(MISMATCH, reason="canary_used"))
    await asyncio.sleep(0.001)
    assert len(chat.texts) == A_WINDOW + 1
    assert chat.texts[-1].startswith("A canary was used")


@virtual
async def test_what_reads_the_same_is_of_one_kind() -> None:
    chat = Chat()
    for number in range(A_WINDOW):
        for reason in ("second_factor_locked", "second_factor_used"):
            chat.alerts.notice(replace(MISMATCH, reason=reason, token_id=f"t{number}"))
    await asyncio.sleep(0.001)
    assert len(chat.texts) == A_WINDOW
    assert {text.splitlines()[0] for text in chat.texts} == {
        "An operator's second factor is locked after wrong codes, or a code was used twice. It was refused."
    }


@virtual
async def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "KNOWN", 10)
    monkeypatch.setattr(alerts, "COUNTED", 3)
    chat = Chat()
    for number in range(1, 101):
        chat.alerts.notice(numbered(number, f"svc:{number}"))
    assert len(chat.alerts._known) == 10
    assert len(chat.alerts._more) == 4
    await asyncio.sleep(WINDOW.total_seconds() + 1)
    assert chat.texts[-1].splitlines()[0].startswith("95 more alerts.")
    assert chat.texts[-1].splitlines()[-1] == "others    92"


@virtual
async def test_what_can_not_be_sent_is_counted_and_told_later() -> None:
    chat = Chat()
    chat.is_failing = True
    chat.alerts.notice(MISMATCH)
    chat.alerts.notice(numbered(7))
    await asyncio.sleep(3 * WINDOW.total_seconds())
    assert chat.texts == []
    assert set(chat.failures) == {str(NotDurable())}
    chat.is_failing = False
    await asyncio.sleep(2 * WINDOW.total_seconds())
    assert [text.splitlines()[::2] for text in chat.texts] == [
        ["2 more alerts. The audit log has all of them: chatkey audit search --decision deny", "svc:a     2"]
    ]
