"""What a caller may ask for of messages, one method per verb: authorize, check, hand on to the outbox."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta

from gateway.access import grants
from gateway.clock import Clock
from gateway.desk import checks
from gateway.desk.checks import Listing, Violation
from gateway.desk.explanation import OTHER_RULE, RULES, Explanation
from gateway.desk.fingerprint import fingerprint_of
from gateway.desk.overflow import fitted, rendered
from gateway.desk.rooms import Lane, LastUse, Outbox, Registry
from gateway.desk.stay import Stay
from gateway.desk.text import visible_length
from gateway.errors import MessageFailed, PermissionDenied, QuotaExceeded, RequestInvalid
from gateway.model import Caller, Draft, Message, Permission, State

_ENDED_BADLY = frozenset({State.FAILED, State.EXPIRED})


class Messages:
    """The verbs of messages."""

    def __init__(
        self, *, registry: Registry, last_use: LastUse, outbox: Outbox, lane: Lane, clock: Clock, stay: Stay[Caller]
    ) -> None:
        """Keep the rooms that the verbs hand on to; `stay` says how long a call may wait, `lane` a refusal."""
        self._registry = registry
        self._last_use = last_use
        self._outbox = outbox
        self._lane = lane
        self._clock = clock
        self._stay = stay

    async def send_message(
        self, caller: Caller, draft: Draft, wait: timedelta | None, malformed: Sequence[Violation] = ()
    ) -> Message:
        """Put a message on durable storage, and wait for its end if `wait` is given.

        Args:
            caller: Who asks.
            draft: What is to be sent.
            wait: How long to wait until the message is final; then it is returned as it is. None: not at all.
            malformed: What the door could not put into the draft; refused together with what is wrong with the draft.

        Raises:
            PermissionDenied: the chat is not the caller's; nothing else was looked at.
            RequestInvalid: the draft is not sound.
            RequestIdReused: the caller used the request id for something else.
            MessageFailed: the caller waited and the message failed or expired.
            Unavailable: nothing was kept.
        """
        message = await self.accept_message(caller, draft, malformed)
        return message if wait is None else await self.message_ended(message, wait)

    def accept_message(self, caller: Caller, draft: Draft, malformed: Sequence[Violation] = ()) -> Awaitable[Message]:
        """Begin to put a message on durable storage; it is returned once it is there.

        What is refused is refused by the call itself. Of one chat, messages are accepted in the order of these calls,
        which need not wait for one another.

        Raises:
            CallRefused, GatewayError: as `send_message`.
        """
        ready = self._ready(caller, draft, malformed)
        self._registry.require_fresh()
        self._last_use.accessed(draft.chat_id, self._clock.now())
        return self._outbox.accept(caller, ready, fingerprint_of(draft))

    async def touch_message(
        self, caller: Caller, draft: Draft, wait: timedelta | None, malformed: Sequence[Violation] = ()
    ) -> Message:
        """Put an edit or a delete on durable storage, and wait for its end if `wait` is given.

        The arguments are those of `send_message`; the draft names no chat but the message that it touches.

        Raises:
            PermissionDenied: the caller may write nowhere.
            MessageNotFound: it is not a message that the caller's client sent to a chat of the caller's.
            StateConflict: it can't be touched.
            CallRefused, GatewayError: as `send_message`.
        """
        caller, ready = self._ready_to_touch(caller, draft, malformed)
        self._registry.require_fresh()
        message = await self._outbox.touch(caller, ready, fingerprint_of(draft))
        self._last_use.accessed(message.chat_id, self._clock.now())
        return message if wait is None else await self.message_ended(message, wait)

    async def message_ended(self, message: Message, wait: timedelta) -> Message:
        """Return an accepted message once it is final, or as it is when `wait` is over; raises `MessageFailed`."""
        if not message.state.is_final:
            message = await self._stay.settled(self._outbox, message.id, wait)
        if message.state in _ENDED_BADLY and message.failure:
            raise MessageFailed(message.id, message.failure)
        return message

    def validate_message(self, caller: Caller, draft: Draft, malformed: Sequence[Violation] = ()) -> None:
        """Make every check that `send_message` makes before it keeps anything, with the same errors."""
        self._ready(caller, draft, malformed)

    async def validate_touch(self, caller: Caller, draft: Draft, malformed: Sequence[Violation] = ()) -> Message:
        """Make every check that `touch_message` makes, with the same errors, and return what would be touched."""
        caller, ready = self._ready_to_touch(caller, draft, malformed)
        return await self._outbox.touchable(caller, ready.target_id, ready.kind)

    def estimated_wait(self, message: Message) -> timedelta | None:
        """Return about how long a message still waits for its first attempt; None once it was attempted or is final."""
        if message.attempts or message.state.is_final:
            return None
        return self._outbox.estimated_wait(message.chat_id, message.client, message.id)

    def explain(self, caller: Caller, draft: Draft, malformed: Sequence[Violation] = ()) -> Explanation:
        """Say what `send_message` would do, without doing any of it: nothing is kept, sent, counted or written down.

        Of a chat that is not the caller's it says what the credential says, that it is not, and nothing else: no more
        than `describe_credential` does, whatever that chat is like.
        """
        try:
            ready = self._ready(caller, draft, malformed)
        except PermissionDenied as refusal:
            return Explanation(rule=RULES.get(refusal.cause, OTHER_RULE), refusal=refusal)
        except RequestInvalid as refusal:
            length = visible_length(draft.text, draft.text_format)
            return Explanation(rule="content", refusal=refusal, text_length=length)
        length = visible_length(draft.text, draft.text_format)
        try:
            self._outbox.require_room(caller.client)
        except QuotaExceeded as refusal:
            return Explanation(rule="quota", refusal=refusal, text_length=length)
        wait = self._outbox.estimated_wait(draft.chat_id, caller.client)
        if ready.send_at is not None:
            wait = max(wait, ready.send_at - self._clock.now())
        return Explanation(rule="accepted", text_length=length, parts=max(1, len(ready.parts)), estimated_wait=wait)

    async def list_messages(self, caller: Caller, listing: Listing) -> tuple[Sequence[Message], str]:
        """Return a page of such messages, the newest first, and the token of the next page; empty after the last.

        Raises:
            PermissionDenied: the chat that is asked for is not the caller's.
            RequestInvalid: what is asked for is not sound.
        """
        caller = grants.allowing(caller, Permission.WRITE)
        if listing.chat_id:
            _require_chat(caller, listing.chat_id)
        checks.require_sound_listing(listing)
        return await self._outbox.list(
            caller,
            states=listing.states,
            chat_id=listing.chat_id,
            accepted_from=listing.accepted_from,
            accepted_until=listing.accepted_until,
            after=listing.page_token,
            limit=listing.page_size or checks.DEFAULT_PAGE,
        )

    async def get_message(self, caller: Caller, message_id: str) -> Message:
        """Return a message that the caller's client sent to a chat of the caller's; raises `MessageNotFound`."""
        caller = grants.allowing(caller, Permission.WRITE)
        checks.require_message_id(message_id)
        return await self._outbox.get(caller, message_id)

    async def cancel_message(self, caller: Caller, message_id: str) -> Message:
        """Cancel such a message; raises `StateConflict` if it is on its way or final, `MessageNotFound`."""
        caller = grants.allowing(caller, Permission.WRITE)
        checks.require_message_id(message_id)
        self._registry.require_fresh()
        return await self._outbox.cancel(caller, message_id)

    async def retry_message(self, caller: Caller, message_id: str) -> Message:
        """Send such a message again; raises `StateConflict` if it was delivered or cancelled, `MessageNotFound`."""
        caller = grants.allowing(caller, Permission.WRITE)
        checks.require_message_id(message_id)
        self._registry.require_fresh()
        return await self._outbox.retry(caller, message_id)

    async def resolve_message(self, caller: Caller, message_id: str, resolution: State | None) -> Message:
        """Settle such a message as delivered or cancelled; raises `StateConflict` unless its delivery is unknown."""
        caller = grants.allowing(caller, Permission.WRITE)
        settled = checks.require_resolution(message_id, resolution)
        self._registry.require_fresh()
        return await self._outbox.resolve(caller, message_id, settled)

    async def watch_messages(
        self, caller: Caller, resume_token: str
    ) -> AsyncGenerator[tuple[Message | None, str], None]:
        """Yield each change of such messages, with the token that goes on after it.

        Without a token, one comes first that goes on after what has changed so far, and no message with it.

        Raises:
            CallRefused: the caller's credential ended meanwhile, or may not look at one of its chats any more; noticed
                within the time of a recheck.
            ShuttingDown: the gateway stops.
        """
        caller = grants.allowing(caller, Permission.WRITE)
        if not resume_token:
            resume_token = await self._outbox.latest()
            yield None, resume_token
        changes = self._outbox.watch(caller, resume_token)
        async with aclosing(self._stay.following(caller, changes, lambda: self._require_chats(caller))) as followed:
            async for change in followed:
                yield change

    def _require_chats(self, caller: Caller) -> None:
        standing = self._registry.standing(caller)
        for grant in caller.grants:
            _require_chat(standing, grant.chat_id)
        self._lane.served()

    def _ready(self, caller: Caller, draft: Draft, malformed: Sequence[Violation]) -> Draft:
        # A chat that is missing is nobody's: the caller left out a field and reached for no other chat.
        if draft.chat_id:
            # Anew, because a stream may have begun long ago.
            standing = self._registry.standing(caller)
            grants.require(standing, Permission.WRITE, draft.chat_id, draft.message_thread_id)
            self._lane.served()
        now = self._clock.now()
        ready = rendered(draft)
        if draft.send_at is not None and draft.send_at <= now:
            ready = replace(ready, send_at=None)
        checks.require_sound(draft, ready, now, malformed)
        return fitted(draft, ready)

    def _ready_to_touch(self, caller: Caller, draft: Draft, malformed: Sequence[Violation]) -> tuple[Caller, Draft]:
        caller = grants.allowing(caller, Permission.WRITE)
        ready = rendered(draft)
        checks.require_sound(draft, ready, self._clock.now(), malformed)
        return caller, ready


def _require_chat(caller: Caller, chat_id: int) -> None:
    # Whoever may write to one topic only may look at what it has written there.
    topic = next((grant.message_thread_id for grant in caller.grants if grant.chat_id == chat_id), None)
    grants.require(caller, Permission.WRITE, chat_id, topic or 0)
