"""The desk: the product as plain Python. Every door asks here, so that no door can forget a rule."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from gateway.access import addresses, bearer, confirmation, grants
from gateway.addresses import AddressRanges
from gateway.clock import Clock
from gateway.desk import checks
from gateway.desk.checks import Violation
from gateway.desk.fingerprint import fingerprint_of
from gateway.desk.markdown import render
from gateway.desk.rooms import Ledger, Outbox, Verifier
from gateway.errors import CallRefused, MessageFailed, ShuttingDown, TokenExpired
from gateway.model import Caller, Draft, Message, Origin, Permission, Record, State, TextFormat

RECHECK = timedelta(seconds=1)
"""How often an open stream looks at its credential again."""

_ENDED_BADLY = frozenset({State.FAILED, State.EXPIRED})


class Desk:
    """What a caller may ask for, one method per verb."""

    def __init__(
        self,
        *,
        verifier: Verifier,
        outbox: Outbox,
        ledger: Ledger,
        clock: Clock,
        allowed_addresses: AddressRanges | None = None,
        recheck: timedelta = RECHECK,
    ) -> None:
        """Keep the rooms that the desk hands on to.

        Args:
            allowed_addresses: From where alone anybody may call; None: from anywhere.
            recheck: How often an open stream looks at its credential again.
        """
        self._verifier = verifier
        self._outbox = outbox
        self._ledger = ledger
        self._clock = clock
        self._allowed_addresses = allowed_addresses
        self._recheck = recheck
        self._draining = False
        self._waiting: set[asyncio.Timeout] = set()

    def authenticate(self, values: Sequence[str | bytes]) -> Caller:
        """Return who calls, by the values of the metadata `authorization`, all of them in order.

        Raises:
            Unauthenticated: there is no acceptable credential.
        """
        return self._verifier.verify(bearer.token_from(values))

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
        addresses.require(caller, [self._allowed_addresses])
        confirmation.require(caller, certificate)

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
        ready = self._ready(caller, draft, malformed)
        message = await self._outbox.accept(caller, ready, fingerprint_of(draft))
        if wait is None:
            return message
        if not message.state.is_final:
            message = await self._settled(message.id, wait)
        if message.state in _ENDED_BADLY and message.failure:
            raise MessageFailed(message.id, message.failure)
        return message

    def validate_message(self, caller: Caller, draft: Draft, malformed: Sequence[Violation] = ()) -> None:
        """Make every check that `send_message` makes before it keeps anything, with the same errors."""
        self._ready(caller, draft, malformed)

    async def get_message(self, caller: Caller, message_id: str) -> Message:
        """Return a message that the caller's client sent to a chat of the caller's; raises `MessageNotFound`."""
        caller = grants.allowing(caller, Permission.WRITE)
        checks.require_message_id(message_id)
        return await self._outbox.get(caller, message_id)

    async def cancel_message(self, caller: Caller, message_id: str) -> Message:
        """Cancel such a message; raises `StateConflict` if it is on its way or final, `MessageNotFound`."""
        caller = grants.allowing(caller, Permission.WRITE)
        checks.require_message_id(message_id)
        return await self._outbox.cancel(caller, message_id)

    async def watch_messages(self, caller: Caller, resume_token: str) -> AsyncGenerator[tuple[Message, str], None]:
        """Yield each change of such messages, with the token that goes on after it.

        Raises:
            TokenExpired: the caller's credential ended meanwhile; noticed within the time of a recheck.
            ShuttingDown: the gateway stops.
        """
        caller = grants.allowing(caller, Permission.WRITE)
        changes = self._outbox.watch(caller, resume_token)
        upcoming = asyncio.ensure_future(anext(changes))
        try:
            while True:
                await asyncio.wait({upcoming}, timeout=self._recheck.total_seconds())
                self._require_open(caller)
                if upcoming.done():
                    change = upcoming.result()
                    upcoming = asyncio.ensure_future(anext(changes))
                    yield change
        finally:
            # There is always one under way, so cancelling it closes what it waits in.
            upcoming.cancel()
            await asyncio.gather(upcoming, return_exceptions=True)

    def describe_credential(self, caller: Caller) -> Caller:
        """Return what the caller's own credential says. Needs no permission."""
        return caller

    def refused(self, error: CallRefused, origin: Origin, caller: Caller | None, error_id: str) -> None:
        """Write into the audit log that a call was refused, and why."""
        known: dict[str, Any] = {}
        if caller is not None:
            known = {"client": caller.client, "token_id": caller.token_id, "key_id": caller.key_id}
            known |= {"issuer": caller.issuer, "chat_id": caller.sole_chat_id}
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
        self._ledger.refused(replace(record, **known | error.record))

    def drain(self) -> None:
        """Let every call end that waits: it is answered with what is reached, and later calls do not wait."""
        self._draining = True
        while self._waiting:
            self._waiting.pop().reschedule(0)

    def _ready(self, caller: Caller, draft: Draft, malformed: Sequence[Violation]) -> Draft:
        # A chat that is missing is nobody's: the caller left out a field and reached for no other chat.
        if draft.chat_id:
            grants.require(caller, Permission.WRITE, draft.chat_id, draft.message_thread_id)
        now = self._clock.now()
        ready = draft
        if draft.text_format is TextFormat.MARKDOWN:
            text, entities = render(draft.text)
            ready = replace(ready, text=text, entities=entities, text_format=TextFormat.PLAIN)
        if draft.send_at is not None and draft.send_at <= now:
            ready = replace(ready, send_at=None)
        checks.require_sound(draft, ready, now, malformed)
        return ready

    async def _settled(self, message_id: str, wait: timedelta) -> Message:
        if self._draining:
            return await self._outbox.settled(message_id, timedelta(0))
        alarm = asyncio.timeout(None)
        try:
            async with alarm:
                self._waiting.add(alarm)
                return await self._outbox.settled(message_id, wait)
        except TimeoutError:
            return await self._outbox.settled(message_id, timedelta(0))
        finally:
            self._waiting.discard(alarm)

    def _require_open(self, caller: Caller) -> None:
        if self._clock.now() >= caller.expires_at:
            raise TokenExpired("token_expired")
        if self._draining:
            raise ShuttingDown()
