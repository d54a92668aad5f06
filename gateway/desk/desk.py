"""The desk: the product as plain Python. Every door asks here, so that no door can forget a rule."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gateway.access import addresses, bearer, confirmation, grants
from gateway.access.issue import Issuer
from gateway.access.narrow import narrow
from gateway.addresses import AddressRanges
from gateway.clock import Clock
from gateway.desk import checks
from gateway.desk.checks import Listing, Violation
from gateway.desk.explanation import OTHER_RULE, RULES, Explanation
from gateway.desk.fingerprint import fingerprint_of
from gateway.desk.markdown import render
from gateway.desk.rooms import LastUse, Ledger, Outbox, Registry, Verifier
from gateway.desk.stay import RECHECK, Stay
from gateway.desk.text import visible_length
from gateway.errors import CallRefused, MessageFailed, MethodUnknown, PermissionDenied, QuotaExceeded, RequestInvalid
from gateway.model import Caller, Draft, Message, Narrowing, Origin, Permission, Record, State, TextFormat

_ENDED_BADLY = frozenset({State.FAILED, State.EXPIRED})


class Desk:
    """What a caller may ask for, one method per verb."""

    def __init__(
        self,
        *,
        verifier: Verifier,
        registry: Registry,
        last_use: LastUse,
        outbox: Outbox,
        ledger: Ledger,
        clock: Clock,
        issuer: Issuer | None = None,
        allowed_addresses: AddressRanges | None = None,
        recheck: timedelta = RECHECK,
    ) -> None:
        """Keep the rooms that the desk hands on to.

        Args:
            issuer: Mints what holders hand on; None: nothing is minted here.
            allowed_addresses: From where alone anybody may call; None: from anywhere.
            recheck: How often an open stream looks at its credential again.
        """
        self._verifier = verifier
        self._registry = registry
        self._last_use = last_use
        self._outbox = outbox
        self._ledger = ledger
        self._clock = clock
        self._issuer = issuer
        self._allowed_addresses = allowed_addresses
        self._stay = Stay(clock, recheck, registry.standing)

    def authenticate(self, values: Sequence[str | bytes]) -> Caller:
        """Return who calls, with what is left of its right, by the values of the metadata `authorization` in order.

        Raises:
            Unauthenticated: there is no acceptable credential, or it was revoked.
            PermissionDenied: the client is disabled or unknown.
        """
        caller = self._verifier.verify(bearer.token_from(values))
        try:
            return self._registry.standing(caller)
        except CallRefused as error:
            error.record.update(_identity(caller), verified=True)
            raise

    def permit(self, caller: Caller, needs: Permission) -> None:
        """Return if the caller may do in some chat what a call can't do without; raises `PermissionDenied`."""
        grants.allowing(caller, needs)

    def admit(self, caller: Caller, certificate: Callable[[], bytes | None]) -> None:
        """Return if the caller's credential may be used from where the call comes; first of all that a call asks for.

        Args:
            caller: Who calls, its `origin` included.
            certificate: Gives the peer's certificate, in PEM; asked only for a credential that is bound to one.

        Raises:
            PermissionDenied: not from this address.
            Unauthenticated: not without its certificate.
        """
        addresses.require(caller, [self._allowed_addresses, self._registry.address_ranges(caller.client)])
        confirmation.require(caller, certificate)
        self._last_use.seen(caller.client, self._clock.now(), caller.origin.address)

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
        length = visible_length(ready.text, ready.text_format)
        try:
            self._outbox.require_room(caller.client)
        except QuotaExceeded as refusal:
            return Explanation(rule="quota", refusal=refusal, text_length=length)
        wait = self._outbox.estimated_wait(draft.chat_id, caller.client)
        if ready.send_at is not None:
            wait = max(wait, ready.send_at - self._clock.now())
        return Explanation(rule="accepted", text_length=length, parts=1, estimated_wait=wait)

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
        upcoming = asyncio.ensure_future(anext(changes))
        try:
            while True:
                await asyncio.wait({upcoming}, timeout=self._stay.recheck.total_seconds())
                self.require_open(caller)
                standing = self._registry.standing(caller)
                for grant in caller.grants:
                    _require_chat(standing, grant.chat_id)
                if upcoming.done():
                    change = upcoming.result()
                    upcoming = asyncio.ensure_future(anext(changes))
                    yield change
        finally:
            # There is always one under way, so cancelling it closes what it waits in.
            upcoming.cancel()
            await asyncio.gather(upcoming, return_exceptions=True)

    async def while_open(self, caller: Caller, work: Coroutine[Any, Any, None]) -> None:
        """Do some work of a stream for as long as its caller may go on; then it is cancelled.

        Raises:
            CallRefused, ShuttingDown: as `require_open`, noticed within the time of a recheck.
        """
        await self._stay.during(caller, work)

    def require_open(self, caller: Caller) -> None:
        """Return if the caller of a stream may go on.

        Raises:
            CallRefused: the credential has ended meanwhile.
            ShuttingDown: the gateway stops.
        """
        self._stay.require(caller)

    def drain(self) -> None:
        """Let every call end that waits: it is answered with what is reached, and later calls do not wait."""
        self._stay.end()

    def describe_credential(self, caller: Caller) -> Caller:
        """Return what the caller's own credential says. Needs no permission."""
        return caller

    async def narrow_credential(self, caller: Caller, wish: Narrowing) -> tuple[str, Caller]:
        """Return a child of the caller's credential, and what it says. Needs no permission.

        What is handed out is what the gateway itself takes, and it is in the audit log first.

        Raises:
            PermissionDenied: the caller's credential has not what is asked for, or is another issuer's.
            RequestInvalid: the wish is malformed, or nothing is left of it.
            MethodUnknown: no key signs here.
            AuditUnavailable: it can't be written down, so there is no child.
            StateStale: it can't be told whether the parent was revoked.
        """
        self._registry.require_fresh()
        if self._issuer is None:
            raise MethodUnknown("this gateway holds no key to issue credentials with")
        token = narrow(self._issuer, caller, wish).token
        child = self._verifier.verify(token)
        await self._ledger.allowed(_narrowed(self._clock.now(), caller, child))
        return token, child

    def refused(self, error: CallRefused, origin: Origin, caller: Caller | None, error_id: str) -> None:
        """Write into the audit log that a call was refused, and why."""
        known = {} if caller is None else _identity(caller)
        record = Record(
            at=self._clock.now(),
            event="call.refused",
            decision="deny",
            reason=error.cause,
            verified=caller is not None,
            address=origin.address,
            method=origin.method,
            call_id=origin.call_id,
            error_id=error_id,
        )
        record = replace(record, **known | error.record)
        self._ledger.refused(record)
        if record.verified and record.client:
            self._last_use.denied(record.client, record.at, record.address)

    def _ready(self, caller: Caller, draft: Draft, malformed: Sequence[Violation]) -> Draft:
        # A chat that is missing is nobody's: the caller left out a field and reached for no other chat.
        if draft.chat_id:
            # Anew, because a stream may have begun long ago.
            standing = self._registry.standing(caller)
            grants.require(standing, Permission.WRITE, draft.chat_id, draft.message_thread_id)
        now = self._clock.now()
        ready = draft
        if draft.text_format is TextFormat.MARKDOWN:
            text, entities = render(draft.text)
            ready = replace(ready, text=text, entities=entities, text_format=TextFormat.PLAIN)
        if draft.send_at is not None and draft.send_at <= now:
            ready = replace(ready, send_at=None)
        checks.require_sound(draft, ready, now, malformed)
        return ready


def _identity(caller: Caller) -> dict[str, Any]:
    return {
        "client": caller.client,
        "token_id": caller.token_id,
        "key_id": caller.key_id,
        "issuer": caller.issuer,
        "chat_id": caller.sole_chat_id,
    }


def _require_chat(caller: Caller, chat_id: int) -> None:
    # Whoever may write to one topic only may look at what it has written there.
    topic = next((grant.message_thread_id for grant in caller.grants if grant.chat_id == chat_id), None)
    grants.require(caller, Permission.WRITE, chat_id, topic or 0)


def _narrowed(at: datetime, caller: Caller, child: Caller) -> Record:
    return Record(
        at=at,
        event="credential.narrowed",
        decision="allow",
        client=caller.client,
        token_id=caller.token_id,
        key_id=caller.key_id,
        issuer=caller.issuer,
        address=caller.origin.address,
        method=caller.origin.method,
        call_id=caller.origin.call_id,
        chat_id=child.sole_chat_id,
        facts={
            "child_token_id": child.token_id,
            "child_chats": len(child.grants),
            "child_expires_at": int(child.expires_at.timestamp()),
        },
    )
