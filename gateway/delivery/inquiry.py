"""What a client may learn of its messages: how one is and ends, how long it waits, which there are, how they change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime, timedelta

from gateway.delivery import content, tokens
from gateway.delivery.dispatcher import Dispatcher
from gateway.errors import MessageNotFound, ShuttingDown
from gateway.model import Caller, Message, State
from gateway.store.base import OutboxStore, Search

PAGE = 100
"""How many changes are read at once."""


class Inquiry:
    """Tells clients about their messages.

    A message belongs to its client, chat and forum topic: for a caller who is not that client, or has no grant for that
    place, there is no such message.
    """

    def __init__(self, store: OutboxStore, dispatcher: Dispatcher) -> None:
        """Take where messages are kept, and who attempts them."""
        self._store = store
        self._dispatcher = dispatcher
        self._waiting = dispatcher.waiting
        self._schedule = dispatcher.schedule

    async def settled(self, message_id: str, within: timedelta) -> Message:
        """Return a message when it is final, or as it is when `within` is over.

        Raises:
            MessageNotFound: There is no such message.
            NotDurable: The store can't be read.
        """
        loop = asyncio.get_running_loop()
        with self._waiting.end_of(message_id) as end:
            if within > timedelta() and await self._will_end(message_id):
                timer = loop.call_later(within.total_seconds(), _give_up, end)
                try:
                    message = await end
                finally:
                    timer.cancel()
                if message is not None:
                    return message
        return await self._found(message_id)

    async def _will_end(self, message_id: str) -> bool:
        """Whether its end is still to come: of what is not taken up, only the store knows."""
        if self._schedule.knows(message_id):
            return True
        if self._schedule.is_open and not self._schedule.is_shared:
            return False
        return not (await self._found(message_id)).state.is_final

    async def get(self, caller: Caller, message_id: str) -> Message:
        """Return a message of the caller's client in a chat that the caller's credential opens.

        Raises:
            MessageNotFound: There is none, or it is not theirs.
            NotDurable: The store can't be read.
        """
        message = await self._found(message_id)
        if not is_theirs(message, caller):
            raise MessageNotFound(messageId=message_id)
        return message

    async def list(
        self,
        caller: Caller,
        *,
        states: Collection[State] = (),
        chat_id: int | None = None,
        accepted_from: datetime | None = None,
        accepted_until: datetime | None = None,
        after: str = "",
        limit: int = PAGE,
    ) -> tuple[Sequence[Message], str]:
        """Return up to `limit` messages of the client in the caller's chats, the last accepted first.

        Also returned is a token for the next page, empty after the last: there may be one where there are fewer, or no,
        messages on a page.

        Args:
            states: Only those in one of these; empty: in any.
            chat_id: Only those of this chat.
            accepted_from: Only those accepted then or later.
            accepted_until: Only those accepted before.
            after: The token of the page before, which was asked for with the same arguments.
            limit: At least 1.

        Raises:
            RequestInvalid: The token is none that was given out here for these arguments.
            NotDurable: The store can't be read.
        """
        search = Search(
            client=caller.client,
            chat_ids=frozenset(caller.chat_ids if chat_id is None else {chat_id} & {*caller.chat_ids}),
            states=frozenset(states),
            accepted_from=accepted_from,
            accepted_until=accepted_until,
        )
        place = tokens.place_from(after, search) if after else None
        page, last = await self._store.list_messages(search, place, limit)
        token = tokens.page_token(last, search) if last else ""
        return [message for message in page if is_theirs(message, caller)], token

    def estimated_wait(self, chat_id: int, client: str, message_id: str = "") -> timedelta:
        """Return about how long a client's message waits for its first attempt.

        Args:
            message_id: One that waits; empty: one that comes now.
        """
        return timedelta(seconds=self._schedule.wait(chat_id, client, message_id))

    async def latest(self) -> str:
        """Return a token with which `watch` goes on after all that has changed so far.

        Raises:
            NotDurable: The store can't be read.
        """
        return tokens.resume_token(await self._store.last_change())

    async def watch(self, caller: Caller, resume_token: str) -> AsyncIterator[tuple[Message, str]]:
        """Yield each changed message of the client in the caller's chats, as it is then, and a token to go on after it.

        A message that changed several times meanwhile is yielded once. Without a token it begins with the next change.

        Raises:
            RequestInvalid: The token is none that was given out here.
            ShuttingDown: The gateway shuts down; the last token goes on after it.
            NotDurable: The store can't be read.
        """
        with self._waiting.changes_of(caller.client, caller.chat_ids) as changed:
            last = await self._store.last_change()
            after = tokens.change_from(resume_token, last) if resume_token else last
            while True:
                changed.clear()
                page = await self._store.changes(caller.client, caller.chat_ids, after, PAGE)
                for message in page:
                    after = message.change
                    if is_theirs(message, caller):
                        yield message, tokens.resume_token(after)
                if len(page) < PAGE:
                    if self._dispatcher.is_closing:
                        raise ShuttingDown
                    await changed.wait()

    async def _found(self, message_id: str) -> Message:
        message = await self._store.get(message_id)
        if message is None:
            raise MessageNotFound(messageId=message_id)
        return message


def _give_up(end: asyncio.Future[Message | None]) -> None:
    if not end.done():
        end.set_result(None)


def is_theirs(message: Message, caller: Caller) -> bool:
    """Whether a message is of the caller's client, in a place that its credential opens."""
    if message.client != caller.client:
        return False
    grant = next((grant for grant in caller.grants if grant.chat_id == message.chat_id), None)
    if grant is None or grant.message_thread_id is None:
        return grant is not None
    return content.decode(message.content, message.chat_id).message_thread_id == grant.message_thread_id
