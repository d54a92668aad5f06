"""The client for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self, TypeVar, Unpack

from chatkey import calls
from chatkey.calls import Call
from chatkey.client_chats import ChatMethods
from chatkey.core import Core
from chatkey.errors import ChatkeyError
from chatkey.many import AsyncBacklog, Outgoing
from chatkey.messages import Change, ChatGrant, Credential, Explanation, Message, Narrowed, Resolution, State
from chatkey.requests import DeleteOptions, EditOptions, SendOptions, list_request
from chatkey.retries import Attempts
from chatkey.streams import Following, Sending, Watching
from chatkey.transports import AsyncTransport
from chatkey.updates import Update, UpdateKind
from chatkey.v1.messaging_gateway_pb2 import ListMessagesRequest, SendMessagesRequest

_Result = TypeVar("_Result")


class Client(Core, ChatMethods):
    """Sends to the Telegram chat that a token opens. It belongs to one event loop.

    Every method raises a `ChatkeyError`; see `chatkey.errors`. A call on which the gateway was not available is
    repeated until its deadline, which is safe: every message has a `request_id`.

    The arguments are those of `Core`.
    """

    def _begin(self) -> None:
        self._transport = AsyncTransport(self._connection, self._token, self._retries)
        self._learning = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the client."""
        await self.close()

    async def close(self) -> None:
        """End every call and the connection. The client can't be used again."""
        await self._transport.close()

    async def send(
        self,
        text: str,
        *,
        chat_id: int | None = None,
        request_id: str | None = None,
        timeout: float | None = None,
        **options: Unpack[SendOptions],
    ) -> Message:
        """Send a message and, unless told otherwise, wait until it is delivered.

        The answer comes at the latest shortly before the deadline, with the state that the message has then: it is on
        durable storage and goes on without the caller.

        Args:
            text: 1 to 4096 characters after its markup is parsed.
            chat_id: The chat; if left out, the only one that the token opens.
            request_id: A name for this message that is used once; made up if left out. Keep one of your own to repeat a
                message safely after a restart.
            timeout: Seconds until the call fails.
            options: See `SendOptions`.

        Raises:
            DeadlineExceeded: It is not known whether the message was accepted; `request_id` asks again.
            ChatkeyError: The message was refused, or has failed.
            ValueError: An argument does not fit its field.
            TypeError: There is no such option.
        """
        attempts = self._attempts(timeout)
        chat_id = await self._only_chat(attempts) if chat_id is None else chat_id
        return await self._transport.call(calls.send(text, chat_id, request_id, options), attempts)

    async def send_many(
        self, messages: Iterable[Outgoing] | AsyncIterable[Outgoing]
    ) -> AsyncIterator[Message | ChatkeyError]:
        """Send many messages over one call, and yield what came of each, in their order.

        They are handed in ahead of their answers and accepted in order; unless their options say otherwise, an answer
        comes when its message is on durable storage. A broken call is made again, for ever, from the first message
        without an answer.

        What can't be sent is yielded as the error that `send` would raise, and the others go on.

        Raises:
            ChatkeyError: The gateway refuses the call as a whole.
            Exception: What `messages` raises, or `send` before anything is sent (`ValueError`; `TextTooLong` beyond
                200,000 bytes), after the answers to what came before.
        """
        async with (
            AsyncBacklog(messages, self._outgoing) as backlog,
            aclosing(self._transport.follow(Sending(backlog))) as outcomes,
        ):
            async for outcome in outcomes:
                yield outcome

    async def explain(
        self, text: str, *, chat_id: int | None = None, timeout: float | None = None, **options: Unpack[SendOptions]
    ) -> Explanation:
        """Ask what would become of a message; nothing is kept and nothing is sent.

        The arguments are those of `send`.
        """
        attempts = self._attempts(timeout)
        chat_id = await self._only_chat(attempts) if chat_id is None else chat_id
        return await self._transport.call(calls.explain(text, chat_id, options), attempts)

    async def get(self, message_id: str, *, timeout: float | None = None) -> Message:
        """Return a message as it is now."""
        return await self._call(calls.get(message_id), timeout)

    async def edit(
        self,
        message_id: str,
        text: str,
        *,
        request_id: str | None = None,
        timeout: float | None = None,
        **options: Unpack[EditOptions],
    ) -> Message:
        """Change a message of this client's and, unless told otherwise, wait until it is done.

        What is returned is the edit, with an id of its own. It waits behind the message, if that is still on its way.

        Args:
            message_id: The `id` of the message.
            text: 1 to 4096 characters after its markup is parsed.
            request_id: A name for this edit that is used once, as in `send`; made up if left out.
            timeout: Seconds until the call fails.
            options: See `EditOptions`.

        Raises:
            MessageNotFound: It is not a message of this client's in a chat of this token.
            StateConflict: It ended undelivered, so there is nothing to change.
            MessageUnavailable: It did not arrive after all, is gone, or can't be changed any more.
            DeadlineExceeded: It is not known whether the edit was accepted; `request_id` asks again.
        """
        return await self._call(calls.edit(text, message_id, request_id, options), timeout)

    async def delete(
        self,
        message_id: str,
        *,
        request_id: str | None = None,
        timeout: float | None = None,
        **options: Unpack[DeleteOptions],
    ) -> Message:
        """Take a message of this client's out of its chat and, unless told otherwise, wait until it is gone.

        What is returned is the delete, with an id of its own. Telegram allows it for 48 hours.

        Args:
            message_id: The `id` of the message.
            request_id: A name for this delete that is used once, as in `send`; made up if left out.
            timeout: Seconds until the call fails.
            options: See `DeleteOptions`.

        Raises:
            ChatkeyError: As `edit`.
        """
        return await self._call(calls.delete(message_id, request_id, options), timeout)

    async def cancel(self, message_id: str, *, timeout: float | None = None) -> Message:
        """Cancel a message that is not on its way.

        Raises:
            StateConflict: It is on its way or final.
        """
        return await self._call(calls.cancel(message_id), timeout)

    async def retry(self, message_id: str, *, timeout: float | None = None) -> Message:
        """Send a message again that has failed or expired, or whose delivery is unknown; under the same id.

        Raises:
            StateConflict: It was delivered or cancelled.
        """
        return await self._call(calls.retry(message_id), timeout)

    async def resolve(self, message_id: str, resolution: Resolution, *, timeout: float | None = None) -> Message:
        """Settle a message whose delivery is unknown, by what was found out by other means.

        Raises:
            StateConflict: It is not unknown, or was settled otherwise.
        """
        return await self._call(calls.resolve(message_id, resolution), timeout)

    async def list(
        self,
        *,
        states: Collection[State] = (),
        chat_id: int | None = None,
        accepted_from: datetime | None = None,
        accepted_until: datetime | None = None,
        page_size: int = 0,
        timeout: float | None = None,
    ) -> AsyncIterator[Message]:
        """Go through this client's messages, newest first.

        Args:
            states: Only those in one of these; empty: in any.
            chat_id: Only those for this chat.
            accepted_from: Only those accepted then or later; an aware instant.
            accepted_until: Only those accepted before; an aware instant.
            page_size: How many to ask for at once, 1 to 1000.
            timeout: Seconds until the call for one page fails.
        """
        request: ListMessagesRequest | None
        request = list_request(states, chat_id, accepted_from, accepted_until, page_size)
        while request is not None:
            page = await self._call(calls.page(request), timeout)
            for message in page.messages:
                yield message
            request = page.following

    async def describe(self, *, timeout: float | None = None) -> Credential:
        """Ask what the token opens, and until when."""
        return await self._call(calls.describe(), timeout)

    async def narrow(
        self,
        *,
        grants: Sequence[ChatGrant] = (),
        ttl: timedelta | None = None,
        address_ranges: Sequence[str] = (),
        timeout: float | None = None,
    ) -> Narrowed:
        """Make a token that can do less than this client's: for a job, for a while, to be handed on.

        It ends with this client's token at the latest, and is refused as soon as that is revoked.

        Args:
            grants: The chats that it opens, each with its permissions (none: those that this token has there). Empty:
                all that this token opens.
            ttl: How long it is valid, in whole seconds; until this token ends if left out.
            address_ranges: From where alone it may be used, such as `10.0.0.0/8`.
            timeout: Seconds until the call fails.

        Raises:
            PermissionDenied: This token has not what is asked for, or is not the gateway's own.
            InvalidRequest: What is asked for is malformed, or nothing is left of it.
        """
        return await self._call(calls.narrow(grants, ttl, address_ranges), timeout)

    async def watch(self, resume_token: str = "") -> AsyncIterator[Change]:
        """Follow the changes of this client's messages, for ever: a lost connection is made again.

        Args:
            resume_token: Of the last change that was seen, to go on after it. Empty: from now on.
        """
        async with aclosing(self._transport.follow(Watching(resume_token))) as changes:
            async for change in changes:
                yield change

    async def updates(
        self,
        cursor: str = "",
        *,
        from_oldest: bool = False,
        chat_ids: Collection[int] = (),
        kinds: Collection[UpdateKind] = (),
    ) -> AsyncIterator[Update]:
        """Follow what happens in the chats that the token opens for reading, for ever: a lost connection is made again.

        Every update comes at least once, those of one chat in order; `update_id` tells repeats, which may come after a
        connection was lost.

        Args:
            cursor: Of the last update that was seen, to go on after it. Empty: from now on.
            from_oldest: Whether to begin with the oldest update that the gateway still keeps; not with `cursor`.
            chat_ids: Only these; empty: all that the token opens for reading.
            kinds: Only these; empty: all.

        Raises:
            CursorExpired: Something that happened after it is not kept any more. Begin anew.
            PermissionDenied: A chat is not the token's to read.
            MethodUnknown: The gateway takes no updates.
        """
        async with aclosing(self._transport.follow(Following(cursor, from_oldest, chat_ids, kinds))) as arrivals:
            async for update in arrivals:
                yield update

    async def answer_callback(
        self, callback_id: str, text: str = "", *, show_alert: bool = False, timeout: float | None = None
    ) -> None:
        """Answer a press on a button, which ends the spinner on it; to do it again does no harm.

        Args:
            callback_id: The `id` of the `CallbackQuery`.
            text: What is shown to whoever pressed: at most 200 characters. Empty: nothing.
            show_alert: Whether it is shown in a window that has to be closed.
            timeout: Seconds until the call fails.

        Raises:
            CallbackExpired: It was too long ago.
            ResourceNotFound: It is no press in a chat that this token may write to.
        """
        await self._call(calls.answer_callback(callback_id, text, show_alert), timeout)

    async def _in_chat(
        self, call: Callable[[int], Call[_Result]], chat_id: int | None, timeout: float | None
    ) -> _Result:
        attempts = self._attempts(timeout)
        chat_id = await self._only_chat(attempts) if chat_id is None else chat_id
        return await self._transport.call(call(chat_id), attempts)

    async def _call(self, call: Call[_Result], timeout: float | None) -> _Result:
        return await self._transport.call(call, self._attempts(timeout))

    async def _outgoing(self, message: Outgoing) -> SendMessagesRequest:
        chat_id = message.chat_id
        return message.request(await self._only_chat(self._attempts(None)) if chat_id is None else chat_id)

    async def _only_chat(self, attempts: Attempts) -> int:
        async with self._learning:
            token = self._token()
            return self._chat_of(token) or self._learn_chat(
                token, await self._transport.call(calls.describe(), attempts)
            )
