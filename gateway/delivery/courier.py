"""One request to Telegram for what is kept, and what came of it."""

from __future__ import annotations

import asyncio

from gateway.delivery.bot import Bot
from gateway.model import Draft, Kind
from gateway.telegram.failures import BotFailure, ChatRefused, MessageGone, NotModified, Refused, Unanswered


class Courier:
    """Sends, edits and deletes; what need not be done any more counts as done."""

    def __init__(self, bot: Bot) -> None:
        """Take who writes to Telegram."""
        self._bot = bot

    async def carry(self, kind: Kind, draft: Draft, ids: tuple[int, ...]) -> tuple[tuple[int, ...], BotFailure | None]:
        """Make one request and return the ids that Telegram has for the message, or the failure.

        Args:
            kind: What is to be done.
            draft: The content, and the chat as it is called now.
            ids: What Telegram has given the message that is edited or deleted; empty for one that is sent.
        """
        try:
            return await self._asked(kind, draft, ids), None
        except NotModified:
            return ids, None
        except MessageGone as failure:
            # Deleted, whether by an attempt that got no answer or by somebody in the chat.
            return (ids, None) if kind is Kind.DELETE else ((), failure)
        except BotFailure as failure:
            return (), failure
        except Exception as bug:  # noqa: BLE001 - a bug of ours must not leave a message in SENDING for ever
            report("an attempt stumbled", bug)
            return (), Unanswered()

    async def _asked(self, kind: Kind, draft: Draft, ids: tuple[int, ...]) -> tuple[int, ...]:
        if kind is Kind.SEND:
            return await self._bot.send_message(draft)
        if kind is Kind.DELETE and len(ids) > 1:
            await self._bot.delete_messages(draft.chat_id, ids)
            return ids
        for message_id in ids:
            if kind is Kind.EDIT:
                await self._bot.edit_message(draft, message_id)
            else:
                await self._bot.delete_message(draft.chat_id, message_id)
        return ids

    async def cause_of(self, failure: BotFailure, chat_id: int) -> BotFailure:
        """Tell a refused chat from a refused message: Telegram's code is 400 for both, its wording no contract."""
        if type(failure) is not Refused or failure.code != 400:
            return failure
        try:
            answers = await self._bot.chat_answers(chat_id)
        except BotFailure:
            return failure
        return failure if answers else ChatRefused(failure.code, failure.description)


def report(what: str, error: BaseException) -> None:
    """Tell the operator of a bug that ends nothing."""
    asyncio.get_running_loop().call_exception_handler({"message": what, "exception": error})
