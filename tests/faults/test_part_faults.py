"""A fault at the second part of a message: what becomes of that part, of the others, and of what the client is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import chatkey
from chatkey import Client, Message, Overflow, State, WaitFor, WhenUnknown
from gateway import model
from tests.faults.evidence import evidence
from tests.faults.test_telegram_faults import CHAT, quiet_telegram
from tests.support.auditor import Told, audit
from tests.support.gateway import gateway
from tests.support.kept import answered, shown

PARTS = [f"part {number} ".ljust(3000, "x") for number in (1, 2, 3)]
TEXT = "\n\n".join(PARTS)
SECOND_TWICE = [PARTS[0], PARTS[1], PARTS[1], PARTS[2]]
FIELDS = {"rate_limited": {"retry_after": 1}}
RESEND, GIVE_UP = WhenUnknown.RESEND, WhenUnknown.GIVE_UP


async def sent(client: Client, **options: Any) -> Message | chatkey.ChatkeyError:
    try:
        return await answered(
            client, TEXT, chat_id=CHAT, timeout=30, request_id="long", overflow=Overflow.SPLIT, **options
        )
    except chatkey.ChatkeyError as error:
        return error


@pytest.mark.parametrize(
    ("kind", "when_unknown", "state", "seen"),
    [
        ("rate_limited", RESEND, State.DELIVERED, PARTS),
        ("rate_limited", GIVE_UP, State.DELIVERED, PARTS),
        ("internal_error", GIVE_UP, State.DELIVERED, PARTS),
        ("lost_reply", RESEND, State.DELIVERED, SECOND_TWICE),
        ("lost_reply", GIVE_UP, State.DELIVERY_UNKNOWN, PARTS[:2]),
        ("bad_gateway_html", RESEND, State.DELIVERED, PARTS),
        ("bad_gateway_html", GIVE_UP, State.DELIVERY_UNKNOWN, PARTS[:1]),
        ("kicked", RESEND, State.FAILED, PARTS[:1]),
    ],
)
async def test_a_fault_at_a_part_is_none_of_the_others(
    tmp_path: Path, kind: str, when_unknown: WhenUnknown, state: State, seen: list[str]
) -> None:
    telegram = quiet_telegram()
    telegram.add_fault("sendMessage", CHAT, fault={"kind": "delay", "seconds": 0})
    telegram.add_fault("sendMessage", CHAT, fault={"kind": kind, **FIELDS.get(kind, {})})
    async with gateway(tmp_path, telegram) as house, house.client(CHAT) as client:
        answer = await sent(client, when_unknown=when_unknown)
        repeated = await sent(client, when_unknown=when_unknown)
        message_id = answer.message_id if isinstance(answer, chatkey.ChatkeyError) else answer.id
        kept = await client.get(message_id)
        told = Told(client="svc:test", chat_id=CHAT, text=PARTS[0], parts=PARTS, accepted=[message_id])
        told.give_up = when_unknown is GIVE_UP
        told.ends.append((message_id, model.State(state.value)))
        found = await evidence(house.config.database_path, telegram, [told])
    assert (kept.state, shown(telegram, CHAT)) == (state, seen)
    assert len(kept.telegram_message_ids) == (3 if state is State.DELIVERED else 1)
    assert kept.possibly_duplicated is ((kind, when_unknown) in {("lost_reply", RESEND), ("bad_gateway_html", RESEND)})
    if state is State.FAILED:
        assert isinstance(answer, chatkey.ChatUnavailable)
        assert isinstance(repeated, chatkey.ChatUnavailable)
    else:
        assert answer == repeated == kept
    assert audit(found) == []


async def test_what_is_missing_is_sent_again_and_nothing_else(tmp_path: Path) -> None:
    telegram = quiet_telegram()
    telegram.add_fault("sendMessage", CHAT, fault={"kind": "delay", "seconds": 0})
    telegram.add_fault("sendMessage", CHAT, fault={"kind": "cant_parse_entities"})
    async with gateway(tmp_path, telegram) as house, house.client(CHAT) as client:
        failed = await sent(client)
        assert isinstance(failed, chatkey.InvalidRequest)
        half = await client.get(failed.message_id)
        assert (half.state, half.parts, len(half.telegram_message_ids)) == (State.FAILED, 3, 1)
        await client.retry(half.id)
        whole = await sent(client, wait_for=WaitFor.DELIVERY)
        assert isinstance(whole, Message)
        assert (whole.id, whole.state, whole.telegram_message_ids[0]) == (
            half.id,
            State.DELIVERED,
            *half.telegram_message_ids,
        )
        assert shown(telegram, CHAT) == PARTS
        await client.delete(whole.id)
        assert shown(telegram, CHAT) == []
