"""From Telegram's objects to the contract's: what is told of them, and that nothing else is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkey.v1 import messaging_gateway_pb2 as messaging_pb
from chatkey.v1 import update_service_pb2 as pb
from gateway.errors import RequestInvalid
from gateway.model import Update, UpdateKind
from gateway.rpc import updates
from gateway.rpc.happenings import EVENTS, FILES, OTHER_MEDIA

CHAT, OTHER = -1001234567890, -1009876543210
AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NOON = int(AT.timestamp())
ANN = {"id": 7, "is_bot": False, "first_name": "Ann", "last_name": "Lee", "username": "ann", "language_code": "de"}
SEEN_ANN = pb.User(id=7, first_name="Ann", last_name="Lee", username="ann")
HERE = {"id": CHAT, "type": "supergroup", "title": "Ops"}
HELLO = {"message_id": 5, "chat": HERE, "from": ANN, "date": NOON, "text": "hello"}


def told(kind: UpdateKind, content: object, **fields: Any) -> pb.Update:
    written = content if isinstance(content, bytes) else json.dumps(content).encode()
    known: dict[str, Any] = {"seq": 3, "update_id": 9, "chat_id": CHAT, "message_thread_id": None}
    return updates.update_to(Update(**known | fields, kind=kind, received_at=AT, content=written))


def message(**fields: object) -> pb.IncomingMessage:
    return told(UpdateKind.MESSAGE, HELLO | fields).message


def test_every_kind_is_named_and_read() -> None:
    assert set(updates.CONTENTS) == set(UpdateKind)
    assert {*updates.KINDS.values(), "UPDATE_KIND_UNSPECIFIED"} == set(pb.UpdateKind.keys())
    fields = {field.name for field in pb.Update.DESCRIPTOR.oneofs_by_name["content"].fields}
    assert {field for field, _ in updates.CONTENTS.values()} == fields


def test_an_update_has_its_number_its_place_and_when_it_came() -> None:
    update = told(UpdateKind.EDITED_MESSAGE, HELLO, message_thread_id=42)
    assert (update.update_id, update.chat_id, update.message_thread_id) == (9, CHAT, 42)
    assert update.receive_time.ToDatetime(UTC) == AT
    assert update.kind == pb.UPDATE_KIND_EDITED_MESSAGE


def test_a_message_is_told_as_the_chat_shows_it() -> None:
    assert told(UpdateKind.MESSAGE, HELLO | {"edit_date": NOON + 60}).message == pb.IncomingMessage(
        message_id=5,
        sender=pb.Sender(kind=pb.SENDER_KIND_USER, user=SEEN_ANN),
        send_time=told(UpdateKind.MESSAGE, HELLO).receive_time,
        edit_time={"seconds": NOON + 60},
        text="hello",
    )


def test_formatting_is_told_as_far_as_the_contract_has_names_for_it() -> None:
    entities = [
        {"type": "bold", "offset": 0, "length": 5},
        {"type": "url", "offset": 0, "length": 5},
        {"type": "text_mention", "offset": 0, "length": 5, "user": ANN},
        {"type": "text_link", "offset": 1, "length": 2, "url": "https://example.org/"},
        {"type": "pre", "offset": 1, "length": 2, "language": "go"},
        {"type": "custom_emoji", "offset": 1, "length": 2, "custom_emoji_id": "1"},
    ]
    seen = [
        messaging_pb.MessageEntity(type=messaging_pb.ENTITY_TYPE_BOLD, offset=0, length=5),
        messaging_pb.MessageEntity(
            type=messaging_pb.ENTITY_TYPE_TEXT_LINK, offset=1, length=2, url="https://example.org/"
        ),
        messaging_pb.MessageEntity(type=messaging_pb.ENTITY_TYPE_PRE, offset=1, length=2, language="go"),
    ]
    assert list(message(entities=entities).entities) == seen
    captioned = told(
        UpdateKind.CHANNEL_POST,
        {"message_id": 5, "chat": HERE, "photo": [{"width": 1}], "caption": "look", "caption_entities": entities},
    )
    assert (captioned.message.text, list(captioned.message.entities)) == ("look", seen)


@pytest.mark.parametrize(
    ("fields", "sender"),
    [
        ({}, pb.Sender(kind=pb.SENDER_KIND_USER, user=SEEN_ANN)),
        ({"from": None}, pb.Sender()),
        (
            {"sender_chat": HERE, "author_signature": "boss"},
            pb.Sender(kind=pb.SENDER_KIND_CHAT, title="Ops", signature="boss"),
        ),
        (
            {"sender_chat": {"id": OTHER, "title": "News", "username": "news"}},
            pb.Sender(kind=pb.SENDER_KIND_OTHER_CHAT, title="News"),
        ),
        ({"sender_chat": {"title": "News"}, "chat": {}}, pb.Sender(kind=pb.SENDER_KIND_OTHER_CHAT, title="News")),
    ],
)
def test_a_sender_is_whoever_the_chat_sees(fields: Mapping[str, object], sender: pb.Sender) -> None:
    assert message(**fields).sender == sender


@pytest.mark.parametrize(
    ("answered", "seen"),
    [
        ({"message_id": 4, "chat": HERE}, 4),
        ({"message_id": 4, "chat": {"id": OTHER}}, 0),
        ({"message_id": 4}, 0),
        ({"message_id": 4, "chat": HERE, "forum_topic_created": {"name": "Ops"}}, 0),
    ],
)
def test_a_reply_is_to_a_message_of_the_same_chat(answered: object, seen: int) -> None:
    assert message(reply_to_message=answered, is_topic_message=True).reply_to_message_id == seen


FILE: Mapping[str, object] = {
    "file_id": "capability",
    "file_unique_id": "unique",
    "file_name": "a.bin",
    "mime_type": "a/b",
    "file_size": 1 << 32,
    "duration": 3,
    "width": 640,
    "height": 480,
    "thumbnail": {"file_id": "capability"},
}


@pytest.mark.parametrize("field", FILES)
def test_a_file_is_described_and_can_not_be_fetched(field: str) -> None:
    seen = message(**{field: FILE}, media_group_id="8")
    assert seen.media == pb.Media(
        kind=pb.MediaKind.Value(f"MEDIA_KIND_{field.upper()}"),
        file_name="a.bin",
        mime_type="a/b",
        size_bytes=1 << 32,
        duration={"seconds": 3},
        width=640,
        height=480,
        album_id="8",
    )
    assert b"capability" not in seen.SerializeToString()


def test_every_sort_of_media_but_the_first_is_told_of_some_object() -> None:
    kinds = {*FILES.values(), "MEDIA_KIND_PHOTO", "MEDIA_KIND_OTHER", "MEDIA_KIND_UNSPECIFIED"}
    assert kinds == set(pb.MediaKind.keys())


def test_of_a_photo_the_largest_version_is_told() -> None:
    sizes = [{"file_id": "a", "width": 90, "height": 60}, {"file_id": "b", "width": 900, "height": 600, "file_size": 5}]
    assert message(photo=sizes).media == pb.Media(kind=pb.MEDIA_KIND_PHOTO, width=900, height=600, size_bytes=5)


def test_an_animation_is_no_document_and_a_round_video_is_as_wide_as_high() -> None:
    assert message(document=FILE, animation=FILE).media.kind == pb.MEDIA_KIND_ANIMATION
    round_video = message(video_note={"length": 240}).media
    assert (round_video.width, round_video.height) == (240, 240)
    assert message(sticker={"emoji": "👍"}).media.emoji == "👍"


@pytest.mark.parametrize("field", OTHER_MEDIA)
def test_of_other_media_it_is_told_that_there_are_some(field: str) -> None:
    assert message(**{field: {"question": "secret"}}).media == pb.Media(kind=pb.MEDIA_KIND_OTHER)


@pytest.mark.parametrize(
    ("field", "value", "event"),
    [
        ("new_chat_members", [ANN, {"id": "x"}], pb.ChatEvent(members_joined=pb.MembersJoined(users=[SEEN_ANN]))),
        ("left_chat_member", ANN, pb.ChatEvent(member_left=pb.MemberLeft(user=SEEN_ANN))),
        ("new_chat_title", "Ops 2", pb.ChatEvent(title_changed=pb.TitleChanged(title="Ops 2"))),
        ("new_chat_photo", [FILE], pb.ChatEvent(photo_changed=pb.PhotoChanged())),
        ("delete_chat_photo", True, pb.ChatEvent(photo_changed=pb.PhotoChanged(removed=True))),
        (
            "pinned_message",
            {"message_id": 4, "chat": {"id": CHAT}},
            pb.ChatEvent(message_pinned=pb.MessagePinned(message_id=4)),
        ),
        ("forum_topic_created", {"name": "On call"}, pb.ChatEvent(topic_created=pb.TopicCreated(name="On call"))),
        ("forum_topic_edited", {"name": "Off"}, pb.ChatEvent(topic_edited=pb.TopicEdited(name="Off"))),
        ("forum_topic_closed", {}, pb.ChatEvent(topic_closed=pb.TopicClosed())),
        ("forum_topic_reopened", {}, pb.ChatEvent(topic_reopened=pb.TopicReopened())),
        ("migrate_to_chat_id", OTHER, pb.ChatEvent(became_supergroup=pb.BecameSupergroup())),
    ],
)
def test_what_happened_in_the_chat_is_told(field: str, value: object, event: pb.ChatEvent) -> None:
    seen = message(text=None, **{field: value})
    assert seen.event == event
    assert str(OTHER) not in str(seen)


@pytest.mark.parametrize("chat", [{"id": OTHER}, {}, {"id": str(CHAT)}])
def test_a_pinned_message_that_is_not_of_this_chat_has_no_id(chat: dict[str, object]) -> None:
    pinned = message(text=None, pinned_message={"message_id": 4, "chat": chat}).event
    assert pinned == pb.ChatEvent(message_pinned=pb.MessagePinned())


def test_every_event_of_the_contract_is_told_of_some_message() -> None:
    told_of = {read_from.WhichOneof("event") for read_from in (message(**{field: {}}).event for field in EVENTS)}
    assert told_of == {field.name for field in pb.ChatEvent.DESCRIPTOR.fields}


def test_what_is_forwarded_is_told_to_be_without_where_from() -> None:
    seen = message(forward_origin={"type": "channel", "chat": {"id": OTHER, "title": "Secret"}})
    assert seen.forwarded
    assert "Secret" not in str(seen)


def test_a_press_on_a_button_is_told_with_its_message() -> None:
    query = {"id": "77", "from": ANN, "message": HELLO, "chat_instance": "instance", "data": "yes"}
    seen = told(UpdateKind.CALLBACK_QUERY, query).callback_query
    assert seen == pb.CallbackQuery(id="77", user=SEEN_ANN, message_id=5, data="yes")


def test_reactions_are_told_before_and_after() -> None:
    change = {
        "chat": HERE,
        "message_id": 5,
        "user": ANN,
        "date": NOON,
        "old_reaction": [{"type": "emoji", "emoji": "👍"}],
        "new_reaction": [{"type": "custom_emoji", "custom_emoji_id": "12"}, {"type": "paid"}, 5],
    }
    seen = told(UpdateKind.MESSAGE_REACTION, change).message_reaction
    assert seen == pb.MessageReaction(
        message_id=5,
        sender=pb.Sender(kind=pb.SENDER_KIND_USER, user=SEEN_ANN),
        change_time={"seconds": NOON},
        old_reactions=[pb.Reaction(emoji="👍")],
        new_reactions=[pb.Reaction(custom_emoji_id="12"), pb.Reaction()],
    )
    anonymous = told(UpdateKind.MESSAGE_REACTION, change | {"user": None, "actor_chat": HERE}).message_reaction
    assert anonymous.sender == pb.Sender(kind=pb.SENDER_KIND_CHAT, title="Ops")


@pytest.mark.parametrize("kind", [UpdateKind.CHAT_MEMBER, UpdateKind.MY_CHAT_MEMBER])
def test_what_somebody_is_in_the_chat_is_told_before_and_after(kind: UpdateKind) -> None:
    change = {
        "chat": HERE,
        "from": ANN,
        "date": NOON,
        "old_chat_member": {"user": {"id": 8}, "status": "member"},
        "new_chat_member": {"user": {"id": 8, "is_bot": True}, "status": "kicked", "until_date": NOON + 60},
        "invite_link": {"invite_link": "https://t.me/+secret"},
    }
    assert told(kind, change).chat_member_change == pb.ChatMemberChange(
        member=pb.User(id=8, is_bot=True),
        changed_by=SEEN_ANN,
        change_time={"seconds": NOON},
        old_status=pb.MEMBER_STATUS_MEMBER,
        new_status=pb.MEMBER_STATUS_BANNED,
        until_time={"seconds": NOON + 60},
    )


def test_who_asks_to_be_let_in_is_told_without_the_way_to_write_to_them() -> None:
    request = {"chat": HERE, "from": ANN, "user_chat_id": 7_000_007, "date": NOON, "bio": "private"}
    update = told(UpdateKind.CHAT_JOIN_REQUEST, request)
    assert update.chat_join_request == pb.ChatJoinRequest(user=SEEN_ANN, request_time={"seconds": NOON})
    assert "7000007" not in str(update)


@pytest.mark.parametrize("kind", UpdateKind)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b"{}",
        b'{"message_id": "5", "id": 5, "from": 5, "new_chat_member": 5}',
        b'{"message_id": 5.0}',
        b'{"message_id": true}',
        b'{"message_id": 18446744073709551615}',
        b'{"message_id": 99999999999999999999999999}',
        b'{"message_id": 5, "text": "\\ud83d", "id": "\\ud83d", "from": {"id": 5, "first_name": "\\ud83d"}}',
        b"[" * 5000,
    ],
)
def test_an_update_that_is_not_understood_is_told_without_its_content(kind: UpdateKind, content: bytes) -> None:
    update = told(kind, content)
    assert update.WhichOneof("content") is None
    assert (update.update_id, update.chat_id, update.kind) == (9, CHAT, pb.UpdateKind.Value(updates.KINDS[kind]))


# Everything that any reader looks for, so that nonsense gets past the first look.
FIELDS = [
    *["message_id", "id", "chat", "from", "user", "actor_chat", "sender_chat", "date", "edit_date", "text", "caption"],
    *["entities", "caption_entities", "type", "offset", "length", "url", "language", "reply_to_message", "photo"],
    *["forward_origin", "new_reaction", "old_reaction", "emoji", "custom_emoji_id", "old_chat_member", "data"],
    *["new_chat_member", "status", "until_date", "width", "height", "duration", "file_size", "file_name", "message"],
    *["is_topic_message", "name", "title", "is_bot", "media_group_id", "author_signature"],
    *FILES,
    *EVENTS,
    *OTHER_MEDIA,
]
NONSENSE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.sampled_from([1, 5, CHAT, "bold"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=12),
    max_leaves=40,
)


@given(kind=st.sampled_from(UpdateKind), content=st.dictionaries(st.sampled_from(FIELDS), NONSENSE, max_size=20))
def test_no_content_stops_a_stream(kind: UpdateKind, content: dict[str, Any]) -> None:
    update = told(kind, {"message_id": 5, "id": "5", "from": ANN, **content})
    assert pb.Update.FromString(update.SerializeToString()) == update


CANARY = "canary-4711"


def everywhere(value: Any) -> Any:
    """Put a field that nobody reads into every object, and another chat beside it."""
    if isinstance(value, dict):
        inner = {key: everywhere(each) for key, each in value.items()}
        return inner | {"file_id": CANARY, "unheard_of": CANARY, "linked_chat": {"id": OTHER, "title": CANARY}}
    return [everywhere(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("kind", UpdateKind)
def test_a_field_that_is_not_named_is_never_passed_on(kind: UpdateKind) -> None:
    content: dict[str, Any] = HELLO | {
        "id": "77",
        "message": HELLO,
        "user": ANN,
        "reply_to_message": HELLO,
        "document": {},
    }
    content |= {"new_chat_member": {"user": ANN}, "external_reply": {"chat": {"id": OTHER}}, "quote": {"text": CANARY}}
    content |= {"new_reaction": [{"emoji": "👍"}], "forward_origin": {}, "via_bot": {"username": CANARY}}
    content |= {"reply_markup": {"inline_keyboard": [[{"callback_data": CANARY}]]}, "effect_id": CANARY, "bio": CANARY}
    seen = told(kind, everywhere(content))
    assert seen.WhichOneof("content")
    assert CANARY not in str(seen)
    assert str(OTHER) not in str(seen)


def test_a_cursor_comes_with_an_update_or_alone() -> None:
    assert updates.streamed_to(None, "c") == pb.StreamUpdatesResponse(cursor="c")


def test_what_is_asked_to_be_told_is_read_whole() -> None:
    request = pb.StreamUpdatesRequest(
        cursor="c", from_oldest=True, chat_ids=[CHAT, 5], kinds=[pb.UPDATE_KIND_MESSAGE, pb.UPDATE_KIND_CHAT_MEMBER]
    )
    following = updates.following_from(request)
    assert (following.cursor, following.from_oldest, following.chat_ids) == ("c", True, (CHAT, 5))
    assert following.kinds == {UpdateKind.MESSAGE, UpdateKind.CHAT_MEMBER}
    assert not following.malformed


def test_what_is_not_of_this_version_is_said_and_not_passed_over() -> None:
    following = updates.following_from(pb.StreamUpdatesRequest.FromString(b"\x22\x03\x00\x01\x63\xb8\x3e\x01"))
    assert following.malformed == [
        ("999", "is not a field of this version"),
        ("kinds[0]", "is not a kind of this version"),
        ("kinds[2]", "is not a kind of this version"),
    ]
    assert following.kinds == {UpdateKind.MESSAGE}
    with pytest.raises(RequestInvalid):
        updates.answer_from(pb.AnswerCallbackRequest.FromString(b"\xb8\x3e\x01"))


def test_how_a_press_is_answered_is_read_whole() -> None:
    answer = updates.answer_from(pb.AnswerCallbackRequest(callback_id="77", text="done", show_alert=True))
    assert (answer.callback_id, answer.text, answer.show_alert) == ("77", "done", True)
