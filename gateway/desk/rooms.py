"""What the desk asks of the rooms behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from gateway.addresses import AddressRanges
from gateway.model import Caller, Draft, Kind, Message, Record, State, Update, UpdateKind


class Verifier(Protocol):
    """Tells who holds a token."""

    def remembers(self, token: str) -> bool:
        """Whether a token was good a while ago, so that verifying it costs next to nothing."""

    def verify(self, token: str) -> Caller:
        """Return whom the token names; raises `Unauthenticated` or `TokenExpired`."""


class Failures(Protocol):
    """Counts by address the tokens that fail."""

    def require_few(self, address: str) -> None:
        """Return if one more token from an address may be looked at; raises `TooManyFailures`."""

    def failed(self, address: str) -> None:
        """Count one that failed."""


class Lane(Protocol):
    """Says when a refusal may be answered, so that those who are served come first."""

    def served(self) -> None:
        """Note that somebody is served now."""

    async def turn(self, address: str) -> None:
        """Return once a refusal may be answered that came from an address."""

    def end(self) -> None:
        """Let nobody wait any more."""


class Registry(Protocol):
    """Holds what is stored of clients, chats and revocations."""

    def standing(self, caller: Caller) -> Caller:
        """Return the caller with what its token may still do; raises `CallRefused` if that is nothing at all."""

    def is_canary(self, token_id: str) -> bool:
        """Whether nobody is to use a token: for one that is refused for another reason."""

    def address_ranges(self, client: str) -> AddressRanges | None:
        """Return from where alone a client may call; None: from anywhere."""

    def is_suspended(self, chat_id: int) -> bool:
        """Whether nothing may be done in a chat, whatever a token says."""

    def require_second_factor(self, caller: Caller) -> None:
        """Return if the caller may do something critical; raises `StepUpRequired`."""

    def require_fresh(self) -> None:
        """Return if it can be told what was revoked; raises `StateStale`."""


class LastUse(Protocol):
    """Notes when clients and chats were last used; never waits."""

    def seen(self, client: str, at: datetime, address: str) -> None:
        """Note that a client was authenticated."""

    def denied(self, client: str, at: datetime, address: str) -> None:
        """Note that a client was refused."""

    def accessed(self, chat_id: int, at: datetime) -> None:
        """Note that a token opened a chat."""


class Outbox(Protocol):
    """Keeps messages until they are final."""

    def accept(self, caller: Caller, draft: Draft, fingerprint: bytes) -> Awaitable[Message]:
        """Put a message on durable storage, or find the one that an equal request made.

        Begun by the call itself, it is done whole, even when the caller stops waiting for it.
        """

    async def touch(self, caller: Caller, draft: Draft, fingerprint: bytes) -> Message:
        """Put an edit or a delete of a message of the caller on durable storage, or find that of an equal request."""

    async def touchable(self, caller: Caller, message_id: str, kind: Kind) -> Message:
        """Return a message of the caller that can be edited, or deleted: as `kind` says."""

    async def settled(self, message_id: str, within: timedelta) -> Message:
        """Return the message once it is final, or as it is when `within` is over."""

    async def get(self, caller: Caller, message_id: str) -> Message:
        """Return a message of the caller."""

    async def cancel(self, caller: Caller, message_id: str) -> Message:
        """Cancel a message of the caller."""

    async def retry(self, caller: Caller, message_id: str) -> Message:
        """Send a message of the caller again."""

    async def resolve(self, caller: Caller, message_id: str, resolution: State) -> Message:
        """Settle a message of the caller whose delivery is unknown."""

    async def list(
        self,
        caller: Caller,
        *,
        states: Collection[State],
        chat_id: int | None,
        accepted_from: datetime | None,
        accepted_until: datetime | None,
        after: str,
        limit: int,
    ) -> tuple[Sequence[Message], str]:
        """Return messages of the caller, newest first, and the token of the next page."""

    def require_room(self, client: str) -> None:
        """Return if a client may send one more message, which counts none; raises `QuotaExceeded`."""

    def estimated_wait(self, chat_id: int, client: str, message_id: str = "") -> timedelta:
        """Return about how long a message waits for its first attempt: one that is there, or one that comes now."""

    async def latest(self) -> str:
        """Return the token with which a watch goes on after what has changed so far."""

    def watch(self, caller: Caller, resume_token: str) -> AsyncIterator[tuple[Message, str]]:
        """Yield each change of the caller's messages with the token that goes on after it, without an end."""


class Updates(Protocol):
    """Tells callers what happened in their chats."""

    async def latest(self) -> str:
        """Return the cursor with which a watch goes on after what has happened so far."""

    async def oldest(self) -> str:
        """Return the cursor with which a watch begins with the first that is still kept."""

    def watch(self, caller: Caller, kinds: Collection[UpdateKind], cursor: str) -> AsyncIterator[tuple[Update, str]]:
        """Yield what happened in the places that the caller may read, with the cursor that goes on after it; no end.

        Args:
            kinds: Only these; empty: all.
            cursor: Where to go on. One that was not given out here, or behind which something is forgotten: raises
                `RequestInvalid` or `CursorExpired`.
        """

    async def pressed(self, callback_id: str) -> Update | None:
        """Return the press on a button that is answered by this id."""


class Ledger(Protocol):
    """Keeps the audit log."""

    def refused(self, record: Record) -> None:
        """Note a refusal; never waits."""

    def let_in(self, caller: Caller) -> None:
        """Count a call that its credential allows; never waits."""
