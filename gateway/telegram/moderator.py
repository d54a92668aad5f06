"""What the gateway asks of Telegram about chats as such, in our words; every failure is a `BotFailure`."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from typing import Any, TypeVar

from telegram import Bot, ChatPermissions, ReactionTypeEmoji

from gateway.model import (
    AnswerPress,
    Ban,
    Chat,
    ChatAct,
    ChatMember,
    MemberPermission,
    Pin,
    React,
    Restrict,
    SetPermissions,
    ShowAction,
    Unban,
    Unpin,
)
from gateway.telegram import chat_reading
from gateway.telegram.answers import Answer
from gateway.telegram.failures import Refused, Unanswered
from gateway.telegram.results import result_of
from gateway.telegram.transport import Transport

_Read = TypeVar("_Read")


class Moderator:
    """Looks at chats and does what there is to do in them; nothing is repeated here."""

    def __init__(self, bot: Bot, bot_id: int, transport: Transport) -> None:
        """Ask by what a `Connector` asks by."""
        self._bot = bot
        self._bot_id = bot_id
        self._transport = transport

    async def get_chat(self, chat_id: int) -> Chat:
        """Return what a chat is (`getChat`), and how the bot stands there (`getChatMember`) if Telegram tells.

        Raises:
            BotFailure: It could not be learned.
        """
        chat = await _read(self._transport.call("getChat", {"chat_id": chat_id}), chat_reading.chat_from)
        _require_same(chat.id, chat_id)
        try:
            return replace(chat, bot=await self.get_member(chat_id, self._bot_id))
        except Refused as refused:
            # In a channel a bot that is no administrator is not even told of itself.
            if refused.code == 400:
                return chat
            raise

    async def get_member(self, chat_id: int, user_id: int) -> ChatMember:
        """Return how somebody stands in a chat (`getChatMember`); raises as `get_chat`."""
        asking = self._transport.call("getChatMember", {"chat_id": chat_id, "user_id": user_id})
        member = await _read(asking, chat_reading.member_from)
        _require_same(member.user_id, user_id)
        return member

    async def administrators(self, chat_id: int) -> tuple[ChatMember, ...]:
        """Return owner and administrators of a chat (`getChatAdministrators`); raises as `get_chat`."""
        asking = self._transport.call("getChatAdministrators", {"chat_id": chat_id})
        return await _read(asking, chat_reading.members_from)

    async def chat_answers(self, chat_id: int) -> bool:
        """Tell whether the bot can see a chat (`getChat`); False where Telegram refuses it with 400 or 403.

        Raises:
            BotFailure: It could not be learned.
        """
        try:
            # Not through Bot.get_chat: an answer whose fields that library does not know is an answer all the same.
            await result_of(self._transport.call("getChat", {"chat_id": chat_id}))
        except Refused as refused:
            if refused.code in (400, 403):
                return False
            raise
        return True

    async def carry_out(self, act: ChatAct) -> None:
        """Do something in a chat, once.

        Raises:
            NotSent: Telegram has seen nothing of it.
            Unanswered: It may be done.
            Refused: It is not done; `problems.problem_of` may tell why.
        """
        await result_of(self._asked(act))

    def _asked(self, act: ChatAct) -> Awaitable[bool]:
        match act:
            case SetPermissions():
                return self._bot.set_chat_permissions(
                    act.chat_id, _permissions_from(act.permissions), use_independent_chat_permissions=True
                )
            case Restrict():
                return self._bot.restrict_chat_member(
                    act.chat_id,
                    act.user_id,
                    _permissions_from(act.permissions),
                    until_date=act.until,
                    use_independent_chat_permissions=True,
                )
            case Ban():
                return self._bot.ban_chat_member(
                    act.chat_id, act.user_id, until_date=act.until, revoke_messages=act.revoke_messages
                )
            case Unban():
                return self._bot.unban_chat_member(act.chat_id, act.user_id, only_if_banned=not act.remove_member)
            case Pin():
                return self._bot.pin_chat_message(
                    act.chat_id, act.telegram_message_id, disable_notification=not act.notify
                )
            case Unpin():
                return self._bot.unpin_chat_message(act.chat_id, act.telegram_message_id)
            case ShowAction():
                return self._bot.send_chat_action(
                    act.chat_id,
                    act.action.value if act.action else "",
                    message_thread_id=act.message_thread_id or None,
                )
            case AnswerPress():
                return self._bot.answer_callback_query(act.callback_id, act.text or None, show_alert=act.show_alert)
            case React():
                reaction = ReactionTypeEmoji(act.emoji) if act.emoji else None
                return self._bot.set_message_reaction(
                    act.chat_id, act.telegram_message_id, reaction, is_big=act.is_big or None
                )


async def _read(asking: Awaitable[Answer], read: chat_reading.Reading[_Read]) -> _Read:
    # Not by python-telegram-bot: an answer of a newer Bot API is an answer all the same.
    answer = await result_of(asking)
    try:
        return read(answer.payload)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
        problem = "the answer can't be read"
    raise Unanswered(problem)


def _require_same(answered: int, asked: int) -> None:
    """Return if an answer is about what was asked: a proxy that mixes up answers must not tell of another chat."""
    if answered != asked:
        raise Unanswered("the answer is about something else")


def _permissions_from(permissions: frozenset[MemberPermission]) -> ChatPermissions:
    """Return Telegram's object, with nothing left out of it: what it does not say is guessed from what it says."""
    said: dict[str, Any] = {each.value: each in permissions for each in MemberPermission}
    return ChatPermissions(**said)
