"""What may be asked about chats as such, without an event loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from datetime import datetime
from typing import TypeVar

from chatkey import chat_calls
from chatkey.calls import Call
from chatkey.chats import Chat, ChatAction, ChatMember, ChatPermission

_Result = TypeVar("_Result")


class BlockingChatMethods(ABC):
    """The methods of a client that are about chats as such. Telegram is asked at once; each may safely be repeated.

    Those that look need a token with `read`, those that moderate one with `moderate`. `chat_id` may be left out where
    the token opens one chat.
    """

    @abstractmethod
    def _in_chat(self, call: Callable[[int], Call[_Result]], chat_id: int | None, timeout: float | None) -> _Result:
        """Make a call about a chat, or about the only one that the token opens."""

    def get_chat(self, *, chat_id: int | None = None, timeout: float | None = None) -> Chat:
        """Ask what the chat is, what its members may do, and what the bot may do there.

        Raises:
            ChatUnavailable: The bot is not in it.
            RateLimited: Telegram asks to wait for longer than `timeout`; all of these methods may raise it.
        """
        return self._in_chat(chat_calls.get_chat, chat_id, timeout)

    def get_chat_member(self, user_id: int, *, chat_id: int | None = None, timeout: float | None = None) -> ChatMember:
        """Ask how somebody stands in the chat.

        Whoever is not there, and neither banned nor restricted, is `MemberStatus.LEFT` and has no name.
        """
        return self._in_chat(lambda chat: chat_calls.get_chat_member(chat, user_id), chat_id, timeout)

    def list_chat_administrators(
        self, *, chat_id: int | None = None, timeout: float | None = None
    ) -> tuple[ChatMember, ...]:
        """Ask for the owner and the administrators of the chat.

        Raises:
            ChatTypeUnsuitable: It is the chat with a person.
        """
        return self._in_chat(chat_calls.list_chat_administrators, chat_id, timeout)

    def set_chat_permissions(
        self, permissions: Collection[ChatPermission], *, chat_id: int | None = None, timeout: float | None = None
    ) -> None:
        """Say what all members may do, in the place of what was said before.

        Args:
            permissions: All that is allowed from now on: `frozenset(ChatPermission)` for everything, `()` for nothing.
            chat_id: The chat, a group or supergroup.
            timeout: Seconds until the call fails.

        Raises:
            BotRightsMissing: The bot may not restrict members there.
            StepUpRequired: Whoever moderates needs a token that is bound to a certificate.
        """
        self._in_chat(lambda chat: chat_calls.set_chat_permissions(chat, permissions), chat_id, timeout)

    def restrict_chat_member(
        self,
        user_id: int,
        permissions: Collection[ChatPermission],
        *,
        until: datetime | None = None,
        chat_id: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Say what one member of a supergroup may do, in the place of what was said before.

        Args:
            user_id: Who.
            permissions: All that is allowed from now on; `frozenset(ChatPermission)` lifts every restriction.
            until: When it ends: an aware instant, 1 minute to 365 days ahead. `None`: not by itself.
            chat_id: The chat.
            timeout: Seconds until the call fails.

        Raises:
            MemberProtected: It is the owner, an administrator, or the bot.
            MemberNotFound: Telegram knows nobody of that id there.
            BotRightsMissing, StepUpRequired: As `set_chat_permissions`.
        """
        self._in_chat(lambda chat: chat_calls.restrict_chat_member(chat, user_id, permissions, until), chat_id, timeout)

    def ban_chat_member(
        self,
        user_id: int,
        *,
        until: datetime | None = None,
        revoke_messages: bool = False,
        chat_id: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Take somebody out of the chat and keep them out.

        Args:
            user_id: Who.
            until: When it ends: an aware instant, 1 minute to 365 days ahead. `None`: not by itself.
            revoke_messages: Whether what they wrote is deleted too; in supergroups and channels it is in any case.
            chat_id: The chat.
            timeout: Seconds until the call fails.

        Raises:
            ChatkeyError: As `restrict_chat_member`.
        """
        self._in_chat(lambda chat: chat_calls.ban_chat_member(chat, user_id, until, revoke_messages), chat_id, timeout)

    def unban_chat_member(
        self,
        user_id: int,
        *,
        remove_member: bool = False,
        chat_id: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Let somebody come back to the chat.

        Args:
            user_id: Who.
            remove_member: Whether a member who is not banned at all is taken out.
            chat_id: The chat.
            timeout: Seconds until the call fails.

        Raises:
            ChatkeyError: As `restrict_chat_member`.
        """
        self._in_chat(lambda chat: chat_calls.unban_chat_member(chat, user_id, remove_member), chat_id, timeout)

    def pin_message(
        self,
        telegram_message_id: int,
        *,
        notify: bool = False,
        chat_id: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Pin a message of the chat, whoever wrote it.

        Args:
            telegram_message_id: Its id in the chat, such as one of `Message.telegram_message_ids`.
            notify: Whether members are notified of it.
            chat_id: The chat.
            timeout: Seconds until the call fails.

        Raises:
            MessageNotFound: The chat has no such message.
            BotRightsMissing: The bot may not pin there.
            StepUpRequired: As `set_chat_permissions`.
        """
        self._in_chat(lambda chat: chat_calls.pin_message(chat, telegram_message_id, notify), chat_id, timeout)

    def unpin_message(
        self, telegram_message_id: int, *, chat_id: int | None = None, timeout: float | None = None
    ) -> None:
        """Take the pin off one message of the chat; the arguments and errors are those of `pin_message`."""
        self._in_chat(lambda chat: chat_calls.unpin_message(chat, telegram_message_id), chat_id, timeout)

    def send_chat_action(
        self,
        action: ChatAction = ChatAction.TYPING,
        *,
        thread_id: int = 0,
        chat_id: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Show for 5 seconds, or until the next message, that the bot is about to send something.

        Args:
            action: What.
            thread_id: The forum topic to show it in.
            chat_id: The chat.
            timeout: Seconds until the call fails.

        Raises:
            QuotaExceeded: More than 30 times in a minute.
        """
        self._in_chat(lambda chat: chat_calls.send_chat_action(chat, action, thread_id), chat_id, timeout)

    def set_reaction(
        self,
        telegram_message_id: int,
        emoji: str = "",
        *,
        big: bool = False,
        chat_id: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Set the bot's reaction to a message of the chat, in the place of the one before.

        Args:
            telegram_message_id: The message's id in the chat.
            emoji: One of those that Telegram has for this; empty takes the reaction away.
            big: Whether it is shown bigger.
            chat_id: The chat.
            timeout: Seconds until the call fails.

        Raises:
            InvalidRequest: It is none of those, or not allowed in the chat.
            MessageNotFound: The chat has no such message.
        """
        self._in_chat(lambda chat: chat_calls.set_reaction(chat, telegram_message_id, emoji, big), chat_id, timeout)
