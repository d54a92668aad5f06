"""What happened, from Telegram's objects (https://core.telegram.org/bots/api#available-types) to the contract's.

Default-deny: a field that is not read here is told to nobody. In particular no other chat is named but by its title,
and no file can be fetched by what is told of it. What is not understood is None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from google.protobuf.duration_pb2 import Duration

from chatkey.v1 import messaging_gateway_pb2 as messaging_pb
from chatkey.v1 import update_service_pb2 as pb
from gateway.rpc.telegram_json import INT32, Json

_POSITIVE = range(1, 1 << 53)
_MESSAGE_IDS = range(1, 1 << 31)  # TDLib's ServerMessageId
_SECONDS = range(1, 1 << 31)
_ENTITIES: Mapping[str, str] = {
    name.removeprefix("ENTITY_TYPE_").lower(): name for name, number in messaging_pb.EntityType.items() if number
}
FILES: Mapping[str, str] = {
    # An animation is told as a document too, for those who know none: so before it.
    field: f"MEDIA_KIND_{field.upper()}"
    for field in ("animation", "video", "audio", "voice", "video_note", "sticker", "document")
}
OTHER_MEDIA = (
    "poll",
    "location",
    "venue",
    "contact",
    "dice",
    "game",
    "story",
    "paid_media",
    "invoice",
    "giveaway",
    "giveaway_winners",
    "checklist",
)
_STATUSES: Mapping[str, str] = {
    "creator": "MEMBER_STATUS_OWNER",
    "administrator": "MEMBER_STATUS_ADMINISTRATOR",
    "member": "MEMBER_STATUS_MEMBER",
    "restricted": "MEMBER_STATUS_RESTRICTED",
    "left": "MEMBER_STATUS_LEFT",
    "kicked": "MEMBER_STATUS_BANNED",
}


def message_from(message: Json) -> pb.IncomingMessage | None:
    """Return a message or post."""
    message_id = message.integer("message_id", _MESSAGE_IDS)
    if not message_id:
        return None
    is_caption = not message.has("text")
    return pb.IncomingMessage(
        message_id=message_id,
        sender=_sender(message, message.inner("from"), message.inner("sender_chat")),
        send_time=message.instant("date"),
        edit_time=message.instant("edit_date"),
        text=message.text("caption" if is_caption else "text"),
        entities=_entities(message.each("caption_entities" if is_caption else "entities")),
        reply_to_message_id=_answered(message),
        forwarded=message.has("forward_origin"),
        media=_media(message),
        event=_event(message),
    )


def callback_query_from(query: Json) -> pb.CallbackQuery | None:
    """Return a press on a button."""
    if not query.text("id"):
        return None
    return pb.CallbackQuery(
        id=query.text("id"),
        user=_user(query.inner("from")),
        message_id=query.inner("message").integer("message_id", _MESSAGE_IDS),
        data=query.text("data"),
    )


def reaction_from(change: Json) -> pb.MessageReaction | None:
    """Return how somebody's reactions to a message have changed."""
    message_id = change.integer("message_id", _MESSAGE_IDS)
    if not message_id:
        return None
    return pb.MessageReaction(
        message_id=message_id,
        sender=_sender(change, change.inner("user"), change.inner("actor_chat")),
        change_time=change.instant("date"),
        old_reactions=map(_reaction, change.each("old_reaction")),
        new_reactions=map(_reaction, change.each("new_reaction")),
    )


def member_change_from(change: Json) -> pb.ChatMemberChange | None:
    """Return how somebody's place in the chat has changed."""
    old, new = change.inner("old_chat_member"), change.inner("new_chat_member")
    if not new:
        return None
    return pb.ChatMemberChange(
        member=_user(new.inner("user")),
        changed_by=_user(change.inner("from")),
        change_time=change.instant("date"),
        old_status=_status(old),
        new_status=_status(new),
        until_time=new.instant("until_date"),
    )


def join_request_from(request: Json) -> pb.ChatJoinRequest | None:
    """Return who asks to be let in."""
    user = _user(request.inner("from"))
    return None if user is None else pb.ChatJoinRequest(user=user, request_time=request.instant("date"))


def _sender(happening: Json, user: Json, chat: Json) -> pb.Sender:
    """Return who did something; where a chat speaks, Telegram has a made-up user beside it."""
    if not chat:
        person = _user(user)
        kind = "SENDER_KIND_UNSPECIFIED" if person is None else "SENDER_KIND_USER"
        return pb.Sender(kind=kind, user=person)
    is_here = chat.integer("id") == happening.inner("chat").integer("id") != 0
    return pb.Sender(
        kind="SENDER_KIND_CHAT" if is_here else "SENDER_KIND_OTHER_CHAT",
        title=chat.text("title"),
        signature=happening.text("author_signature"),
    )


def _user(user: Json) -> pb.User | None:
    user_id = user.integer("id", _POSITIVE)
    if not user_id:
        return None
    return pb.User(
        id=user_id,
        is_bot=user.truth("is_bot"),
        first_name=user.text("first_name"),
        last_name=user.text("last_name"),
        username=user.text("username"),
    )


def _entities(entities: list[Json]) -> list[messaging_pb.MessageEntity]:
    return [
        messaging_pb.MessageEntity(
            type=_ENTITIES[entity.text("type")],
            offset=entity.integer("offset", INT32),
            length=entity.integer("length", INT32),
            url=entity.text("url"),
            language=entity.text("language"),
        )
        for entity in entities
        if entity.text("type") in _ENTITIES
    ]


def _answered(message: Json) -> int:
    """Return the id of the message of the same chat that is answered; 0: none."""
    answered = message.inner("reply_to_message")
    opens_topic = answered.has("forum_topic_created") and message.truth("is_topic_message")
    return 0 if opens_topic else _id_here(message, answered)


def _id_here(message: Json, other: Json) -> int:
    """Return the id of another message of the same chat; 0: it is of none, or elsewhere."""
    is_here = other.inner("chat").integer("id") == message.inner("chat").integer("id") != 0
    return other.integer("message_id", _MESSAGE_IDS) if is_here else 0


def _media(message: Json) -> pb.Media | None:
    album_id = message.text("media_group_id")
    if sizes := message.each("photo"):
        media = _file(max(sizes, key=lambda size: size.integer("width") * size.integer("height")))
        media.MergeFrom(pb.Media(kind="MEDIA_KIND_PHOTO", album_id=album_id))
        return media
    for field, kind in FILES.items():
        if message.inner(field):
            media = _file(message.inner(field))
            media.MergeFrom(pb.Media(kind=kind, album_id=album_id))
            return media
    is_other = any(message.has(field) for field in OTHER_MEDIA)
    return pb.Media(kind="MEDIA_KIND_OTHER", album_id=album_id) if is_other else None


def _file(file: Json) -> pb.Media:
    seconds = file.integer("duration", _SECONDS)
    side = file.integer("length", INT32)  # of a round video
    return pb.Media(
        file_name=file.text("file_name"),
        mime_type=file.text("mime_type"),
        size_bytes=file.integer("file_size", _POSITIVE),
        duration=Duration(seconds=seconds) if seconds else None,
        width=file.integer("width", INT32) or side,
        height=file.integer("height", INT32) or side,
        emoji=file.text("emoji"),
    )


def _event(message: Json) -> pb.ChatEvent | None:
    return next((read(message) for field, read in EVENTS.items() if message.has(field)), None)


def _joined(message: Json) -> pb.ChatEvent:
    users = filter(None, map(_user, message.each("new_chat_members")))
    return pb.ChatEvent(members_joined=pb.MembersJoined(users=users))


def _left(message: Json) -> pb.ChatEvent:
    return pb.ChatEvent(member_left=pb.MemberLeft(user=_user(message.inner("left_chat_member"))))


def _titled(message: Json) -> pb.ChatEvent:
    return pb.ChatEvent(title_changed=pb.TitleChanged(title=message.text("new_chat_title")))


def _pinned(message: Json) -> pb.ChatEvent:
    pinned = _id_here(message, message.inner("pinned_message"))
    return pb.ChatEvent(message_pinned=pb.MessagePinned(message_id=pinned))


def _topic_created(message: Json) -> pb.ChatEvent:
    name = message.inner("forum_topic_created").text("name")
    return pb.ChatEvent(topic_created=pb.TopicCreated(name=name))


def _topic_edited(message: Json) -> pb.ChatEvent:
    name = message.inner("forum_topic_edited").text("name")
    return pb.ChatEvent(topic_edited=pb.TopicEdited(name=name))


EVENTS: Mapping[str, Callable[[Json], pb.ChatEvent]] = {
    "new_chat_members": _joined,
    "left_chat_member": _left,
    "new_chat_title": _titled,
    "new_chat_photo": lambda _: pb.ChatEvent(photo_changed=pb.PhotoChanged()),
    "delete_chat_photo": lambda _: pb.ChatEvent(photo_changed=pb.PhotoChanged(removed=True)),
    "pinned_message": _pinned,
    "forum_topic_created": _topic_created,
    "forum_topic_edited": _topic_edited,
    "forum_topic_closed": lambda _: pb.ChatEvent(topic_closed=pb.TopicClosed()),
    "forum_topic_reopened": lambda _: pb.ChatEvent(topic_reopened=pb.TopicReopened()),
    "migrate_to_chat_id": lambda _: pb.ChatEvent(became_supergroup=pb.BecameSupergroup()),
}


def _reaction(reaction: Json) -> pb.Reaction:
    if custom := reaction.text("custom_emoji_id"):
        return pb.Reaction(custom_emoji_id=custom)
    emoji = reaction.text("emoji")
    return pb.Reaction(emoji=emoji) if emoji else pb.Reaction()


def _status(member: Json) -> str:
    return _STATUSES.get(member.text("status"), "MEMBER_STATUS_UNSPECIFIED")
