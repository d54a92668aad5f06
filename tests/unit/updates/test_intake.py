"""What comes is kept at once and whole, or not at all; what can't be read holds up nothing and shows nothing."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.errors import NotDurable
from gateway.model import Update
from gateway.updates import intake as module
from gateway.updates.effects import Effects
from gateway.updates.intake import Intake
from tests.support.updates import raw_message
from tests.support.virtual_time import VirtualClock, virtual
from tests.unit.updates.room import Room


@virtual
async def test_what_is_malformed_is_counted_and_logged_by_its_id_alone() -> None:
    room = Room()
    with capture_logs() as lines:
        await room.intake.take(
            [{"update_id": 1, "message": {"chat": {"id": "x"}, "text": "hush-hush"}}, raw_message(2), "hush-hush"]
        )
    assert await room.kept() == [2]
    assert room.intake.counts.totals == {"received": 3, "kept": 1, "repeated": 0}
    assert room.intake.counts.dropped["malformed"] == 2
    assert [line["update_id"] for line in lines] == [1, None]
    assert "hush" not in repr(lines)


@virtual
async def test_a_bug_in_reading_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(raw: Any, _now: object) -> Update:
        if raw["update_id"] == 1:
            raise ZeroDivisionError("hush-hush")
        return read(raw, _now)  # type: ignore[arg-type]

    read = module.update_from
    monkeypatch.setattr(module, "update_from", stumble)
    room = Room()
    with capture_logs() as lines:
        await room.intake.take([raw_message(1), raw_message(2)])
    assert await room.kept() == [2]
    assert (lines[0]["event"], lines[0]["error"]) == ("update.stumbled", "ZeroDivisionError")
    assert "hush" not in repr(lines)


@virtual
async def test_what_the_storage_does_not_take_is_neither_counted_nor_told() -> None:
    room = Room()
    room.store.is_failing = True
    told: list[int] = []
    room.on_kept = lambda: told.append(1)
    with pytest.raises(NotDurable):
        await room.intake.take([raw_message(1), "?"])
    assert room.intake.counts.totals == {"received": 0, "kept": 0, "repeated": 0}
    assert (told, room.intake.counts.dropped["malformed"]) == ([], 0)


@virtual
async def test_a_repeat_is_not_told_again() -> None:
    room = Room()
    told: list[int] = []
    room.on_kept = lambda: told.append(1)
    await room.intake.take([raw_message(1)])
    await room.intake.take([raw_message(1)])
    assert (told, room.intake.counts.repeated) == ([1], 1)


@virtual
async def test_what_happens_in_a_chat_that_no_token_may_open_is_not_kept() -> None:
    room = Room()
    intake = Intake(room.store.updates, VirtualClock(), on_kept=lambda _: None, is_wanted=lambda chat_id: chat_id == 7)
    await intake.take([raw_message(1), raw_message(2, chat_id=8)])
    assert (await room.kept(7), await room.kept(8)) == ([1], [])
    assert intake.counts.dropped["unwanted_chat"] == 1


@virtual
async def test_it_is_known_how_late_messages_come() -> None:
    room = Room()
    now = int(VirtualClock().now().timestamp())
    await room.intake.take([{"update_id": 1, "message": {"chat": {"id": 7}, "date": now - 90}}])
    assert room.intake.counts.lag_seconds == 90
    await room.intake.take([{"update_id": 2, "message": {"chat": {"id": 7}, "date": now + 90}}])
    assert room.intake.counts.lag_seconds == 0
    edited = {"chat": {"id": 7}, "date": now - 9000, "edit_date": now - 5}
    await room.intake.take([{"update_id": 3, "edited_message": edited}])
    assert room.intake.counts.lag_seconds == 5
    await room.intake.take([{"update_id": 4, "message": {"chat": {"id": 7}, "date": "now"}}])
    assert room.intake.counts.lag_seconds == 5


def member(status: str, **more: object) -> dict[str, Any]:
    return {"update_id": 1, "my_chat_member": {"chat": {"id": 7}, "new_chat_member": {"status": status} | more}}


@pytest.mark.parametrize(
    ("raw", "is_back"),
    [
        (raw_message(1), True),
        ({"update_id": 1, "channel_post": {"chat": {"id": 7}}}, True),
        ({"update_id": 1, "callback_query": {"id": "1", "message": {"chat": {"id": 7}}}}, True),
        (raw_message(1, migrate_to_chat_id=-1001), True),
        (raw_message(1, left_chat_member={"id": 123456}), False),
        ({"update_id": 1, "edited_message": {"chat": {"id": 7}}}, False),
        ({"update_id": 1, "chat_member": {"chat": {"id": 7}, "new_chat_member": {"status": "member"}}}, False),
        (member("member"), True),
        (member("administrator"), True),
        (member("kicked"), False),
        (member("left"), False),
        (member("restricted", is_member=True, can_send_messages=True), True),
        (member("restricted", is_member=True, can_send_messages=False), False),
        (member("restricted", is_member=False, can_send_messages=True), False),
        (member("restricted"), False),
        ({"update_id": 1, "my_chat_member": {"chat": {"id": 7}, "new_chat_member": "member"}}, False),
    ],
)
def test_a_chat_that_refused_the_bot_is_back_when_the_bot_may_write_there(raw: object, is_back: bool) -> None:
    @virtual
    async def heard() -> None:
        back: list[int] = []
        effects = Effects(lambda chat_id: chat_id == 7, back.append)
        room = Room()
        intake = Intake(room.store.updates, VirtualClock(), on_kept=effects.kept)
        await intake.take([raw, raw_message(2, chat_id=8)])
        assert back == ([7] if is_back else [])

    heard()
