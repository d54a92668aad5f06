"""What the gateway tells of chats, as the words that Python has for it. What is not known here is unspecified."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeVar

from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from chatkey import updates as words
from chatkey.answers import instant_from
from chatkey.messages import EntityType, MessageEntity
from chatkey.v1 import messaging_gateway_pb2, update_service_pb2

_Word = TypeVar("_Word", bound=Enum)


def update_from(answer: update_service_pb2.StreamUpdatesResponse) -> words.Update:
    """Read an update."""
    update = answer.update
    field = update.WhichOneof("content")
    return words.Update(
        update_id=update.update_id,
        chat_id=update.chat_id,
        message_thread_id=update.message_thread_id,
        received_at=instant_from(update.receive_time),
        kind=_word(words.UpdateKind, update_service_pb2.UpdateKind, "UPDATE_KIND_", update.kind),
        content=_CONTENTS[field](getattr(update, field)) if field else None,
        cursor=answer.cursor,
    )


def _message(message: update_service_pb2.IncomingMessage) -> words.IncomingMessage:
    event = message.event.WhichOneof("event")
    return words.IncomingMessage(
        message_id=message.message_id,
        sender=_sender(message.sender),
        sent_at=instant_from(message.send_time),
        edited_at=instant_from(message.edit_time),
        text=message.text,
        entities=tuple(entity for each in message.entities if (entity := _entity(each))),
        reply_to_message_id=message.reply_to_message_id,
        forwarded=message.forwarded,
        media=_media(message.media) if message.HasField("media") else None,
        event=EVENTS[event](getattr(message.event, event)) if event else None,
    )


def _callback_query(query: update_service_pb2.CallbackQuery) -> words.CallbackQuery:
    return words.CallbackQuery(id=query.id, user=_user(query.user), message_id=query.message_id, data=query.data)


def _reaction(change: update_service_pb2.MessageReaction) -> words.MessageReaction:
    old, new = (
        tuple(words.Reaction(each.emoji, each.custom_emoji_id) for each in reactions)
        for reactions in (change.old_reactions, change.new_reactions)
    )
    return words.MessageReaction(
        message_id=change.message_id,
        sender=_sender(change.sender),
        changed_at=instant_from(change.change_time),
        old_reactions=old,
        new_reactions=new,
    )


def _member_change(change: update_service_pb2.ChatMemberChange) -> words.ChatMemberChange:
    return words.ChatMemberChange(
        member=_user(change.member),
        changed_by=_user(change.changed_by),
        changed_at=instant_from(change.change_time),
        old_status=status_from(change.old_status),
        new_status=status_from(change.new_status),
        until=instant_from(change.until_time),
    )


def _join_request(request: update_service_pb2.ChatJoinRequest) -> words.ChatJoinRequest:
    return words.ChatJoinRequest(user=_user(request.user), requested_at=instant_from(request.request_time))


_CONTENTS: Mapping[str, Callable[[Any], words.Content]] = {
    "message": _message,
    "callback_query": _callback_query,
    "message_reaction": _reaction,
    "chat_member_change": _member_change,
    "chat_join_request": _join_request,
}

EVENTS: Mapping[str, Callable[[Any], words.ChatEvent]] = {
    "members_joined": lambda event: words.MembersJoined(tuple(filter(None, map(_user, event.users)))),
    "member_left": lambda event: words.MemberLeft(_user(event.user)),
    "title_changed": lambda event: words.TitleChanged(event.title),
    "photo_changed": lambda event: words.PhotoChanged(event.removed),
    "message_pinned": lambda event: words.MessagePinned(event.message_id),
    "topic_created": lambda event: words.TopicCreated(event.name),
    "topic_edited": lambda event: words.TopicEdited(event.name),
    "topic_closed": lambda _: words.TopicClosed(),
    "topic_reopened": lambda _: words.TopicReopened(),
    "became_supergroup": lambda _: words.BecameSupergroup(),
}


def _sender(sender: update_service_pb2.Sender) -> words.Sender:
    return words.Sender(
        kind=_word(words.SenderKind, update_service_pb2.SenderKind, "SENDER_KIND_", sender.kind),
        user=_user(sender.user),
        title=sender.title,
        signature=sender.signature,
    )


def _user(user: update_service_pb2.User) -> words.User | None:
    return user_from(user) if user.id else None


def user_from(user: update_service_pb2.User) -> words.User:
    """Read a person or a bot."""
    return words.User(
        id=user.id,
        is_bot=user.is_bot,
        first_name=user.first_name,
        last_name=user.last_name,
        username=user.username,
    )


def _entity(entity: messaging_gateway_pb2.MessageEntity) -> MessageEntity | None:
    value = messaging_gateway_pb2.EntityType.DESCRIPTOR.values_by_number.get(entity.type)
    if value is None or not entity.type:
        return None
    kind = EntityType(value.name.removeprefix("ENTITY_TYPE_"))
    return MessageEntity(kind, entity.offset, entity.length, entity.url, entity.language)


def _media(media: update_service_pb2.Media) -> words.Media:
    return words.Media(
        kind=_word(words.MediaKind, update_service_pb2.MediaKind, "MEDIA_KIND_", media.kind),
        file_name=media.file_name,
        mime_type=media.mime_type,
        size_bytes=media.size_bytes,
        duration=media.duration.ToTimedelta() if media.HasField("duration") else None,
        width=media.width,
        height=media.height,
        emoji=media.emoji,
        album_id=media.album_id,
    )


def status_from(number: int) -> words.MemberStatus:
    """Read what somebody is in a chat."""
    return _word(words.MemberStatus, update_service_pb2.MemberStatus, "MEMBER_STATUS_", number)


def _word(kind: type[_Word], wire: EnumTypeWrapper, prefix: str, number: int) -> _Word:
    value = wire.DESCRIPTOR.values_by_number.get(number)
    return kind(value.name.removeprefix(prefix) if value else "UNSPECIFIED")
