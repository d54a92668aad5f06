"""What happens in chats, as both clients tell it."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import grpc
import pytest

import chatkey
from chatkey import CallbackExpired, CursorExpired, EntityType, MessageEntity, ResourceNotFound, UpdateKind
from chatkey.arrivals import EVENTS, update_from
from chatkey.v1 import update_service_pb2 as pb
from tests.unit.client.conftest import Pauses
from tests.unit.client.far_side import CHAT, FarSide, hang, refuse

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
AWAY = refuse(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
ANN = pb.User(id=7, first_name="Ann", last_name="Lee", username="ann")
SEEN_ANN = chatkey.User(id=7, is_bot=False, first_name="Ann", last_name="Lee", username="ann")
SENDER = pb.Sender(kind=pb.SENDER_KIND_USER, user=ANN)
SEEN_SENDER = chatkey.Sender(kind=chatkey.SenderKind.USER, user=SEEN_ANN, title="", signature="")


def arrival(number: int, **content: Any) -> pb.StreamUpdatesResponse:
    update = pb.Update(update_id=number, chat_id=CHAT, kind=pb.UPDATE_KIND_MESSAGE, **content)
    return pb.StreamUpdatesResponse(update=update, cursor=f"c{number}")


def read(kind: str = "UPDATE_KIND_MESSAGE", **content: Any) -> chatkey.Update:
    update = pb.Update(update_id=9, chat_id=CHAT, message_thread_id=4, kind=kind, **content)
    update.receive_time.FromDatetime(NOON)
    return update_from(pb.StreamUpdatesResponse(update=update, cursor="c"))


async def numbers(client: Any, count: int, *cursor: str, **wish: Any) -> list[int]:
    seen: list[int] = []
    async with aclosing(client.updates(*cursor, **wish)) as arrivals:
        async for update in arrivals:
            seen.append(update.update_id)
            if len(seen) == count:
                break
    return seen


async def test_following_goes_on_where_it_broke(client: Any, far_side: FarSide, pauses: Pauses) -> None:
    far_side.arrivals = [
        [pb.StreamUpdatesResponse(cursor="c0"), AWAY],
        [arrival(1), arrival(2), AWAY],
        [arrival(3), hang],
    ]
    wish = {"chat_ids": [CHAT], "kinds": [UpdateKind.MESSAGE, UpdateKind.CALLBACK_QUERY]}
    assert await numbers(client, 3, from_oldest=True, **wish) == [1, 2, 3]
    asked = far_side.asked(pb.StreamUpdatesRequest)
    assert [(each.cursor, each.from_oldest) for each in asked] == [("", True), ("c0", False), ("c2", False)]
    assert all(list(each.chat_ids) == [CHAT] for each in asked)
    assert all(list(each.kinds) == [pb.UPDATE_KIND_MESSAGE, pb.UPDATE_KIND_CALLBACK_QUERY] for each in asked)
    assert len(pauses.seconds) == 2


async def test_following_begins_behind_a_cursor(client: Any, far_side: FarSide) -> None:
    far_side.arrivals = [[arrival(1), hang]]
    assert await numbers(client, 1, "c7") == [1]
    assert far_side.asked(pb.StreamUpdatesRequest) == [pb.StreamUpdatesRequest(cursor="c7")]


async def test_a_cursor_that_is_forgotten_ends_it(client: Any, far_side: FarSide) -> None:
    far_side.arrivals = [[arrival(1), refuse(grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED")]]
    arrivals = client.updates()
    assert (await anext(arrivals)).update_id == 1
    with pytest.raises(CursorExpired):
        await anext(arrivals)


async def test_a_kind_that_there_is_not_is_said_before_anything_is_asked(client: Any, far_side: FarSide) -> None:
    with pytest.raises(ValueError, match="NEWS"):
        await anext(client.updates(kinds=["NEWS"]))
    assert not far_side.requests


async def test_a_press_is_answered_once_the_gateway_is_there(client: Any, far_side: FarSide) -> None:
    far_side.outcomes = [AWAY]
    await client.answer_callback("77", "done", show_alert=True, timeout=5)
    asked = pb.AnswerCallbackRequest(callback_id="77", text="done", show_alert=True)
    assert far_side.requests == [asked, asked]


@pytest.mark.parametrize(
    ("code", "reason", "error"),
    [
        (grpc.StatusCode.FAILED_PRECONDITION, "CALLBACK_EXPIRED", CallbackExpired),
        (grpc.StatusCode.NOT_FOUND, "RESOURCE_NOT_FOUND", ResourceNotFound),
    ],
)
async def test_a_press_that_can_not_be_answered_is_an_error(
    client: Any, far_side: FarSide, code: grpc.StatusCode, reason: str, error: type[Exception]
) -> None:
    far_side.outcomes = [refuse(code, reason)]
    with pytest.raises(error):
        await client.answer_callback("77")
    assert len(far_side.requests) == 1


def test_a_message_is_read_whole() -> None:
    message = pb.IncomingMessage(
        message_id=5,
        sender=SENDER,
        send_time={"seconds": int(NOON.timestamp())},
        edit_time={"seconds": int(NOON.timestamp()) + 60},
        text="hello",
        entities=[
            {"type": "ENTITY_TYPE_TEXT_LINK", "offset": 1, "length": 2, "url": "https://example.org/"},
            {"type": 99, "length": 1},
            {},
        ],
        reply_to_message_id=4,
        forwarded=True,
        media={"kind": "MEDIA_KIND_STICKER", "duration": {"seconds": 3}, "emoji": "👍"},
    )
    update = read(message=message)
    assert (update.update_id, update.chat_id, update.message_thread_id, update.received_at, update.cursor) == (
        9,
        CHAT,
        4,
        NOON,
        "c",
    )
    assert (
        update.content
        == update.message
        == chatkey.IncomingMessage(
            message_id=5,
            sender=SEEN_SENDER,
            sent_at=NOON,
            edited_at=NOON + timedelta(minutes=1),
            text="hello",
            entities=(MessageEntity(EntityType.TEXT_LINK, 1, 2, "https://example.org/"),),
            reply_to_message_id=4,
            forwarded=True,
            media=chatkey.Media(
                kind=chatkey.MediaKind.STICKER,
                file_name="",
                mime_type="",
                size_bytes=0,
                duration=timedelta(seconds=3),
                width=0,
                height=0,
                emoji="👍",
                album_id="",
            ),
            event=None,
        )
    )
    assert update.callback_query is None


@pytest.mark.parametrize(
    ("event", "seen"),
    [
        ({"members_joined": {"users": [ANN, pb.User()]}}, chatkey.MembersJoined((SEEN_ANN,))),
        ({"member_left": {"user": ANN}}, chatkey.MemberLeft(SEEN_ANN)),
        ({"title_changed": {"title": "Ops"}}, chatkey.TitleChanged("Ops")),
        ({"photo_changed": {"removed": True}}, chatkey.PhotoChanged(True)),
        ({"message_pinned": {"message_id": 4}}, chatkey.MessagePinned(4)),
        ({"topic_created": {"name": "a"}}, chatkey.TopicCreated("a")),
        ({"topic_edited": {"name": "b"}}, chatkey.TopicEdited("b")),
        ({"topic_closed": {}}, chatkey.TopicClosed()),
        ({"topic_reopened": {}}, chatkey.TopicReopened()),
        ({"became_supergroup": {}}, chatkey.BecameSupergroup()),
    ],
)
def test_what_happened_in_the_chat_is_read(event: dict[str, Any], seen: object) -> None:
    message = read(message={"message_id": 5, "event": event}).message
    assert message is not None
    assert message.event == seen


def test_every_event_of_the_contract_is_read() -> None:
    assert set(EVENTS) == {field.name for field in pb.ChatEvent.DESCRIPTOR.fields}


def test_the_other_contents_are_read_whole() -> None:
    query = pb.CallbackQuery(id="77", user=ANN, message_id=5, data="yes")
    update = read("UPDATE_KIND_CALLBACK_QUERY", callback_query=query)
    assert update.callback_query == chatkey.CallbackQuery(id="77", user=SEEN_ANN, message_id=5, data="yes")
    assert (update.kind, update.message) == (UpdateKind.CALLBACK_QUERY, None)

    at = {"seconds": int(NOON.timestamp())}
    change = {"message_id": 5, "sender": SENDER, "change_time": at, "old_reactions": [{"emoji": "👍"}]}
    reactions = read(message_reaction=change | {"new_reactions": [{"custom_emoji_id": "12"}, {}]}).content
    assert reactions == chatkey.MessageReaction(
        message_id=5,
        sender=SEEN_SENDER,
        changed_at=NOON,
        old_reactions=(chatkey.Reaction("👍"),),
        new_reactions=(chatkey.Reaction(custom_emoji_id="12"), chatkey.Reaction()),
    )
    member = pb.ChatMemberChange(
        member=ANN, old_status="MEMBER_STATUS_MEMBER", new_status="MEMBER_STATUS_BANNED", change_time=at, until_time=at
    )
    assert read(chat_member_change=member).content == chatkey.ChatMemberChange(
        member=SEEN_ANN,
        changed_by=None,
        changed_at=NOON,
        old_status=chatkey.MemberStatus.MEMBER,
        new_status=chatkey.MemberStatus.BANNED,
        until=NOON,
    )
    asked = read(chat_join_request={"user": ANN, "request_time": at}).content
    assert asked == chatkey.ChatJoinRequest(user=SEEN_ANN, requested_at=NOON)


def test_what_a_later_gateway_says_is_not_specified() -> None:
    update = read(99, message={"sender": {"kind": 99}, "media": {"kind": 99}})  # type: ignore[arg-type]
    assert update.kind is UpdateKind.UNSPECIFIED
    assert update.message is not None
    assert update.message.sender.kind is chatkey.SenderKind.UNSPECIFIED
    assert update.message.media is not None
    assert update.message.media.kind is chatkey.MediaKind.UNSPECIFIED
    assert read().content is None


@pytest.mark.parametrize(
    ("word", "wire", "prefix"),
    [
        (UpdateKind, pb.UpdateKind, "UPDATE_KIND_"),
        (chatkey.SenderKind, pb.SenderKind, "SENDER_KIND_"),
        (chatkey.MediaKind, pb.MediaKind, "MEDIA_KIND_"),
        (chatkey.MemberStatus, pb.MemberStatus, "MEMBER_STATUS_"),
    ],
)
def test_every_word_of_the_contract_is_there(word: type[Enum], wire: Any, prefix: str) -> None:
    assert {f"{prefix}{each.value}" for each in word} == set(wire.keys())
