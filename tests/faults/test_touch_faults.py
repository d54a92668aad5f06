"""Every fault that an edit and a delete can meet on the way to Telegram: what becomes of it, and of the message."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import chatkey
from chatkey import Client, Message, State, WaitFor
from gateway import model
from tests.faults.evidence import evidence
from tests.faults.test_telegram_faults import CHAT, TABLE, TEXT, Diary, quiet_telegram
from tests.support.auditor import Told, audit
from tests.support.gateway import gateway
from tests.support.kept import shown

EDITED = "as it is now"
FAILS = {
    # name: the reason of an edit's failure, and of a delete's
    "400 parse": ("INVALID_REQUEST", "MESSAGE_UNAVAILABLE"),
    "400 migrated to what is no supergroup": ("CHAT_UNAVAILABLE", "CHAT_UNAVAILABLE"),
    "403 kicked": ("CHAT_UNAVAILABLE", "CHAT_UNAVAILABLE"),
    "409": ("TELEGRAM_FAILED", "TELEGRAM_FAILED"),
}
"""All other faults pass: the same is asked again, and harms nobody."""


async def touched(client: Client, message: Message, edits: bool) -> Message | chatkey.ChatkeyError:
    try:
        if edits:
            return await client.edit(message.id, EDITED, request_id="touch", timeout=30)
        return await client.delete(message.id, request_id="touch", timeout=30)
    except chatkey.ChatkeyError as error:
        return error


@pytest.mark.parametrize("edits", [True, False], ids=["edit", "delete"])
@pytest.mark.parametrize("name", TABLE)
async def test_a_fault_of_an_edit_or_a_delete_ends_as_promised(tmp_path: Path, name: str, edits: bool) -> None:
    telegram, fault = quiet_telegram(), TABLE[name][0]
    method = "editMessageText" if edits else "deleteMessage"
    async with gateway(tmp_path, telegram) as house, house.client(CHAT) as client:
        diary = Diary(client)
        message = await diary.send(TEXT)
        assert isinstance(message, Message)
        telegram.add_fault(method, None if fault["kind"] == "reset_before_body" else CHAT, fault=fault)
        answer = await touched(client, message, edits)
        repeated = await touched(client, message, edits)
        message_id = answer.message_id if isinstance(answer, chatkey.ChatkeyError) else answer.id
        told = Told(client="svc:test", chat_id=CHAT, text=EDITED if edits else f"-{TEXT}", accepted=[message_id])
        found = await evidence(house.config.database_path, telegram, [*diary.told, told])
    if name in FAILS:
        assert isinstance(answer, chatkey.ChatkeyError)
        assert isinstance(repeated, chatkey.ChatkeyError)
        assert answer.reason == repeated.reason == FAILS[name][not edits]
        assert shown(telegram, CHAT) == [TEXT]
    else:
        assert isinstance(answer, Message)
        assert repeated == answer
        assert (answer.state, answer.possibly_duplicated) == (State.DELIVERED, False)
        assert shown(telegram, CHAT) == ([EDITED] if edits else [])
    assert audit(found) == []


@pytest.mark.parametrize("edits", [True, False], ids=["edit", "delete"])
async def test_a_message_that_ends_unknown_takes_what_touches_it_along(tmp_path: Path, edits: bool) -> None:
    telegram, data = quiet_telegram(), tmp_path / "data"
    telegram.add_fault("sendMessage", CHAT, fault={"kind": "rate_limited", "retry_after": 1})
    telegram.add_fault("sendMessage", CHAT, fault={"kind": "lost_reply"})
    async with gateway(data, telegram) as house, house.client(CHAT) as client:
        options: dict[str, Any] = {"when_unknown": chatkey.WhenUnknown.GIVE_UP, "wait_for": WaitFor.ACCEPTANCE}
        diary = Diary(client)
        message = await diary.send(TEXT, **options)
        assert isinstance(message, Message)
        answer = await touched(client, message, edits)
        assert isinstance(answer, chatkey.MessageUnavailable)
        told = Told(client="svc:test", chat_id=CHAT, text=EDITED if edits else f"-{TEXT}", accepted=[answer.message_id])
        told.ends.append((answer.message_id, model.State.FAILED))
        found = await evidence(house.config.database_path, telegram, [*diary.told, told])
    assert [each.state for each in found.messages] == [model.State.DELIVERY_UNKNOWN, model.State.FAILED]
    assert shown(telegram, CHAT) == [TEXT]
    assert audit(found) == []


def test_every_fault_that_fails_is_one_of_the_table() -> None:
    rows: Mapping[str, object] = TABLE
    assert FAILS.keys() <= rows.keys()
