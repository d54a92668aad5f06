"""Tokens of clients: issued, found, revoked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.access import inventory
from gateway.access.administration import Administration
from gateway.access.issue import Issuer, Terms
from gateway.access.soundness import past, require_client, require_name
from gateway.clock import Clock
from gateway.desk.admin.entrance import Entrance
from gateway.desk.admin.functions import Ask, Function
from gateway.desk.admin.pages import Page, token_after
from gateway.desk.rooms import Verifier
from gateway.errors import MethodUnknown, RequestInvalid, ResourceNotFound
from gateway.store.registry import IssuedToken, RegistryStore


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose tokens are to be revoked: those of a client, of a key of an issuer (empty: our own), or of everybody."""

    client: str | None = None
    key: tuple[str, str] | None = None
    everybody: bool = False


class Credentials:
    """The verbs of tokens."""

    def __init__(
        self,
        entrance: Entrance,
        store: RegistryStore,
        clock: Clock,
        *,
        own_issuer: str,
        issuer: Issuer | None,
        verifier: Verifier,
        trusts: Callable[[str], bool],
    ) -> None:
        """Keep the rooms.

        Args:
            own_issuer: The `iss` of our own tokens.
            issuer: Mints them; None: no key signs here.
            verifier: Takes what callers show: what it would not take is not handed out.
            trusts: Whether a key of our own is still good.
        """
        self._entrance = entrance
        self._store = store
        self._clock = clock
        self._own_issuer = own_issuer
        self._issuer = issuer
        self._verifier = verifier
        self._trusts = trusts

    async def issue(self, ask: Ask, terms: Terms) -> tuple[str, IssuedToken]:
        """Return a new token's text, which is shown here alone, and what is kept of it.

        Raises:
            MethodUnknown: no key signs here.
            RequestInvalid: the terms are not sound.
            StateConflict: it would be refused from the first moment on.
            NotDurable: it was not kept, so it is not handed out.
        """
        issuer = self._issuer
        if issuer is None:
            raise MethodUnknown("this gateway holds no key to issue credentials with")
        by = await self._entrance.begin(ask, Function.ISSUE_CREDENTIAL, lambda: issuer.check(terms))
        token = issuer.mint(terms).token
        caller = self._verifier.verify(token)
        return token, await self._administration(ask, by).note_issued(caller)

    async def get(self, ask: Ask, token_id: str) -> tuple[IssuedToken, str]:
        """Return what is kept of a token, and its state; raises `ResourceNotFound` if it is not known."""
        await self._entrance.begin(ask, Function.GET_CREDENTIAL)
        token = await self._store.issued_token(token_id)
        if token is None:
            raise ResourceNotFound("no token of this id was issued here, or it is forgotten")
        (state,) = await self._states([token])
        return token, state

    async def list(
        self, ask: Ask, client: str, states: Collection[str], page: Page
    ) -> tuple[Sequence[tuple[IssuedToken, str]], str]:
        """Return a page of tokens with their states, the last one first, and the token of the next page.

        Args:
            ask: Who asks.
            client: Those of one client; empty: of all.
            states: Those in one of these; empty: in any.
            page: Which page.
        """
        await self._entrance.begin(ask, Function.LIST_CREDENTIALS)
        limit, place = page.limit(), page.place(client, sorted(states))
        after = await self._place(place)
        tokens = await self._store.issued_tokens(client or None, limit, after)
        with_states = zip(tokens, await self._states(tokens), strict=True)
        found = [(token, state) for token, state in with_states if not states or state in states]
        is_last = len(tokens) < limit
        return found, "" if is_last else token_after(tokens[-1].token_id, client, sorted(states))

    async def revoke(self, ask: Ask, token_id: str) -> bool:
        """Revoke a token; return whether it was not revoked before."""
        by = await self._entrance.begin(ask, Function.REVOKE_CREDENTIAL, lambda: require_name("token_id", token_id))
        return await self._administration(ask, by).revoke_token(token_id)

    async def mark_canary(self, ask: Ask, token_id: str) -> bool:
        """Make a token a bait; return whether it was none before."""
        by = await self._entrance.begin(ask, Function.MARK_CANARY, lambda: require_name("token_id", token_id))
        return await self._administration(ask, by).mark_canary(token_id)

    async def revoke_all(self, ask: Ask, whose: Whose, not_before: datetime | None) -> datetime | None:
        """Revoke every token of somebody; return until when those were issued, None for those of a key.

        Raises:
            RequestInvalid: it is not said whose or until when, or that is to come.
        """
        by = await self._entrance.begin(
            ask, Function.REVOKE_ALL_CREDENTIALS, lambda: self._require_whose(whose, not_before)
        )
        administration = self._administration(ask, by)
        if whose.client is not None:
            return (await administration.revoke_client(whose.client, not_before)).not_before
        if whose.key is not None:
            issuer, key_id = whose.key
            await administration.revoke_key(issuer or self._own_issuer, key_id)
            return None
        until = past(not_before, self._clock.now())
        await administration.revoke_all(until)
        return until

    def _require_whose(self, whose: Whose, not_before: datetime | None) -> None:
        past(not_before, self._clock.now())
        if whose.client is not None:
            require_client(whose.client)
        elif whose.key is not None:
            if not_before is not None:
                raise RequestInvalid([("not_before", "is not for a key: all that it signed is revoked")])
            issuer, key_id = whose.key
            require_name("issuer", issuer or self._own_issuer)
            require_name("key_id", key_id)
        elif not whose.everybody:
            raise RequestInvalid([("whose", "is required")])
        elif not_before is None:
            raise RequestInvalid([("not_before", "is required with `everybody`")])

    def _administration(self, ask: Ask, by: str) -> Administration:
        return Administration(self._store, self._clock, by, ask.operator.origin)

    async def _states(self, tokens: Sequence[IssuedToken]) -> Sequence[str]:
        return await inventory.states(self._store, tokens, self._clock.now(), self._trusts)

    async def _place(self, token_id: str) -> IssuedToken | None:
        if not token_id:
            return None
        token = await self._store.issued_token(token_id)
        if token is None:
            raise RequestInvalid([("page_token", "is of a token that is forgotten: begin anew")])
        return token
