"""The words of the contract for what happens in a chat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias

from chatkey.messages import MessageEntity


class UpdateKind(Enum):
    """The kinds of updates."""

    UNSPECIFIED = "UNSPECIFIED"
    """One that this client does not know: pass it over."""
    MESSAGE = "MESSAGE"
    EDITED_MESSAGE = "EDITED_MESSAGE"
    CHANNEL_POST = "CHANNEL_POST"
    EDITED_CHANNEL_POST = "EDITED_CHANNEL_POST"
    CALLBACK_QUERY = "CALLBACK_QUERY"
    """Somebody pressed a button below a message."""
    MESSAGE_REACTION = "MESSAGE_REACTION"
    MY_CHAT_MEMBER = "MY_CHAT_MEMBER"
    """What the bot itself may do has changed."""
    CHAT_MEMBER = "CHAT_MEMBER"
    CHAT_JOIN_REQUEST = "CHAT_JOIN_REQUEST"


class SenderKind(Enum):
    """In whose name something is done in a chat."""

    UNSPECIFIED = "UNSPECIFIED"
    USER = "USER"
    CHAT = "CHAT"
    """The chat itself: a channel, or an anonymous administrator of a group."""
    OTHER_CHAT = "OTHER_CHAT"
    """A linked channel, or a person who speaks as a channel."""


class MediaKind(Enum):
    """The sorts of media."""

    UNSPECIFIED = "UNSPECIFIED"
    PHOTO = "PHOTO"
    VIDEO = "VIDEO"
    ANIMATION = "ANIMATION"
    AUDIO = "AUDIO"
    VOICE = "VOICE"
    VIDEO_NOTE = "VIDEO_NOTE"
    DOCUMENT = "DOCUMENT"
    STICKER = "STICKER"
    OTHER = "OTHER"
    """Such as a poll, a place or a contact."""


class MemberStatus(Enum):
    """What somebody is in a chat."""

    UNSPECIFIED = "UNSPECIFIED"
    OWNER = "OWNER"
    ADMINISTRATOR = "ADMINISTRATOR"
    MEMBER = "MEMBER"
    RESTRICTED = "RESTRICTED"
    LEFT = "LEFT"
    BANNED = "BANNED"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person or a bot. A `username` may be another person's tomorrow: know people by `id`."""

    id: int
    is_bot: bool
    first_name: str
    last_name: str
    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who did something in the chat, as everybody there sees it.

    Attributes:
        kind: In whose name.
        user: The person or bot; `None` where a chat speaks.
        title: The title of a chat that speaks.
        signature: Of the author of a post, or the custom title of an anonymous administrator.
    """

    kind: SenderKind
    user: User | None
    title: str
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """What a message shows beside its text.

    Attributes:
        file_name: As its sender says, and so no safe path.
        mime_type: As its sender says.
        size_bytes: 0: not known.
        duration: How long it plays, if it does.
        width: In pixels; 0: not known.
        height: In pixels; 0: not known.
        emoji: What a sticker stands for.
        album_id: The same for all that are shown together.
    """

    kind: MediaKind
    file_name: str
    mime_type: str
    size_bytes: int
    duration: timedelta | None
    width: int
    height: int
    emoji: str
    album_id: str


@dataclass(frozen=True, slots=True)
class MembersJoined:
    """People were added, or came by themselves."""

    users: tuple[User, ...]


@dataclass(frozen=True, slots=True)
class MemberLeft:
    """Somebody left, or was removed."""

    user: User | None


@dataclass(frozen=True, slots=True)
class TitleChanged:
    """The chat has another title."""

    title: str


@dataclass(frozen=True, slots=True)
class PhotoChanged:
    """The chat has another photo, or none any more."""

    removed: bool


@dataclass(frozen=True, slots=True)
class MessagePinned:
    """A message was pinned; 0: which one is not known."""

    message_id: int


@dataclass(frozen=True, slots=True)
class TopicCreated:
    """A forum topic was opened."""

    name: str


@dataclass(frozen=True, slots=True)
class TopicEdited:
    """A forum topic has another name (empty: as before) or icon."""

    name: str


@dataclass(frozen=True, slots=True)
class TopicClosed:
    """A forum topic was closed."""


@dataclass(frozen=True, slots=True)
class TopicReopened:
    """A forum topic was opened again."""


@dataclass(frozen=True, slots=True)
class BecameSupergroup:
    """The group became a supergroup: this chat ends here."""


ChatEvent: TypeAlias = (
    MembersJoined
    | MemberLeft
    | TitleChanged
    | PhotoChanged
    | MessagePinned
    | TopicCreated
    | TopicEdited
    | TopicClosed
    | TopicReopened
    | BecameSupergroup
)
"""Something that Telegram tells everybody in the chat by a message of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingMessage:
    """A message that somebody wrote in the chat.

    Attributes:
        message_id: Telegram's id: what `reply_to` of `send` takes.
        sent_at: When it was written.
        edited_at: When it was last changed, if it ever was.
        text: What it says; of media, the caption.
        entities: The formatting of the text; not what Telegram finds by itself, such as links and mentions.
        reply_to_message_id: The message of this chat that it answers; 0: none.
        forwarded: Whether it was first written elsewhere.
        media: What it shows beside its text.
        event: What happened, of a message that Telegram wrote itself.
    """

    message_id: int
    sender: Sender
    sent_at: datetime | None
    edited_at: datetime | None
    text: str
    entities: tuple[MessageEntity, ...]
    reply_to_message_id: int
    forwarded: bool
    media: Media | None
    event: ChatEvent | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackQuery:
    """A press on a button below a message.

    Attributes:
        id: What `answer_callback` takes.
        message_id: The message with the button, by Telegram's id.
        data: What the button carries; a dishonest client may send anything.
    """

    id: str
    user: User | None
    message_id: int
    data: str


@dataclass(frozen=True, slots=True)
class Reaction:
    """A reaction: an emoji or a custom emoji; neither, if it is of another sort."""

    emoji: str = ""
    custom_emoji_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReaction:
    """The reactions of one person to a message have changed."""

    message_id: int
    sender: Sender
    changed_at: datetime | None
    old_reactions: tuple[Reaction, ...]
    new_reactions: tuple[Reaction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMemberChange:
    """What somebody is in the chat has changed; `until` when, if they are restricted or banned for a while."""

    member: User | None
    changed_by: User | None
    changed_at: datetime | None
    old_status: MemberStatus
    new_status: MemberStatus
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatJoinRequest:
    """Somebody asks to be let into the chat."""

    user: User | None
    requested_at: datetime | None


Content: TypeAlias = IncomingMessage | CallbackQuery | MessageReaction | ChatMemberChange | ChatJoinRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Something that happened in one chat.

    Attributes:
        update_id: The same whenever it comes, so repeats are told by it.
        chat_id: Where it happened.
        message_thread_id: The forum topic: what `thread_id` of `send` takes. 0: none.
        received_at: When the gateway got it.
        kind: What kind of thing happened.
        content: What happened; `None` if it was not understood on the way here.
        cursor: Where to go on after it.
    """

    update_id: int
    chat_id: int
    message_thread_id: int
    received_at: datetime | None
    kind: UpdateKind
    content: Content | None
    cursor: str

    @property
    def message(self) -> IncomingMessage | None:
        """What was written, if that is what happened."""
        return self.content if isinstance(self.content, IncomingMessage) else None

    @property
    def callback_query(self) -> CallbackQuery | None:
        """Which button was pressed, if that is what happened."""
        return self.content if isinstance(self.content, CallbackQuery) else None
