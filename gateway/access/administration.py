"""What the security team does: registers, restricts, suspends, revokes. Each change and its audit record are one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.access.claims import MAX_LIFETIME, MAX_SKEW
from gateway.access.revocation import is_before
from gateway.access.soundness import (
    MAX_TEXT,
    past,
    require_chat,
    require_client,
    require_name,
    require_title,
    with_terms,
)
from gateway.clock import Clock
from gateway.errors import RequestInvalid, StateConflict
from gateway.model import Caller, Origin, Permission, Record
from gateway.store.registry import IssuedToken, RegistryStore, StoredChat, StoredClient

NOWHERE = Origin()


class Administration:
    """Changes the registry on behalf of somebody.

    Whatever is repeated succeeds again and changes nothing. Every method raises `NotDurable` when the storage fails;
    then nothing was changed.
    """

    def __init__(self, store: RegistryStore, clock: Clock, by: str, origin: Origin = NOWHERE) -> None:
        """Change what `store` keeps.

        Args:
            by: Who asks, for the audit log: such as `os:alice`.
            origin: By which call, if it is one.
        """
        self._store = store
        self._clock = clock
        self._by = by
        self._origin = origin

    # Clients.

    async def add_client(self, name: str, terms: Mapping[str, Any]) -> StoredClient:
        """Register a client.

        Args:
            name: The `sub` of its tokens.
            terms: What is to hold for it: of `TERMS`, those that are not as by default.

        Raises:
            RequestInvalid: the name or the terms are not sound.
            StateConflict: it is registered already, with other terms.
        """
        require_client(name)

        def added(before: StoredClient | None) -> StoredClient:
            client = before or self._new_client(name)
            after = with_terms(replace(client, registered=True), terms)
            if client.registered and after != client:
                raise StateConflict(f"{name} is registered already: change it with `chatkey client set`")
            return after

        return await self._store.change_client(name, added, self._record("client.added", client=name, **_told(terms)))

    async def set_client(self, name: str, terms: Mapping[str, Any]) -> StoredClient:
        """Change the terms of a registered client.

        Args:
            name: The client.
            terms: What is to change: of `TERMS`, some.

        Raises:
            RequestInvalid: they are not sound, or a generation would go back.
            StateConflict: it is not registered.
        """
        require_client(name)

        def changed(before: StoredClient | None) -> StoredClient:
            if before is None or not before.registered:
                raise StateConflict(f"{name} is not registered: `chatkey client add` does that")
            return with_terms(before, terms)

        record = self._record("client.changed", client=name, **_told(terms))
        return await self._store.change_client(name, changed, record)

    async def disable_client(self, name: str) -> StoredClient:
        """Refuse every call of a client, and send none of its messages that wait, whether it is registered or not."""
        require_client(name)
        return await self._store.change_client(
            name,
            lambda before: replace(before or self._new_client(name), enabled=False),
            self._record("client.disabled", client=name),
        )

    async def enable_client(self, name: str) -> StoredClient:
        """Take back that a client was disabled; raises `StateConflict` if nothing is known of it."""
        require_client(name)

        def enabled(before: StoredClient | None) -> StoredClient:
            return replace(_known(before, name), enabled=True)

        return await self._store.change_client(name, enabled, self._record("client.enabled", client=name))

    async def revoke_client(self, name: str, not_before: datetime | None = None) -> StoredClient:
        """Revoke every token of a client that was issued at an instant or earlier: by default, now.

        Raises:
            RequestInvalid: the name is none, or the instant is to come.
        """
        require_client(name)
        at = past(not_before, self._clock.now())

        def revoked(before: StoredClient | None) -> StoredClient:
            client = before or self._new_client(name)
            return replace(client, not_before=at if client.not_before is None else max(client.not_before, at))

        record = self._record("client.revoked", client=name, not_before=at.isoformat())
        return await self._store.change_client(name, revoked, record)

    def _new_client(self, name: str) -> StoredClient:
        return StoredClient(name=name, created_by=self._by, created_at=self._clock.now())

    # Chats.

    async def authorize_chat(
        self, chat_id: int, permissions: Collection[Permission] = frozenset(Permission), title: str | None = None
    ) -> StoredChat:
        """Let tokens open a chat, for no more than these permissions.

        Raises:
            RequestInvalid: it is no chat, there is no permission, or the title is too long.
        """
        require_chat(chat_id)
        require_title(title)
        allowed = frozenset(permissions)
        if not allowed:
            raise RequestInvalid([("permissions", "must be one or more of " + _words(frozenset(Permission)))])

        def authorized(before: StoredChat | None) -> StoredChat:
            chat = before or self._new_chat(chat_id)
            return replace(chat, authorized=True, permissions=allowed, title=chat.title if title is None else title)

        record = self._record("chat.authorized", chat_id=chat_id, permissions=_words(allowed))
        return await self._store.change_chat(chat_id, authorized, record)

    async def suspend_chat(self, chat_id: int) -> StoredChat:
        """Refuse every token in a chat, and send nothing there that waits, whether it is authorized or not."""
        require_chat(chat_id)
        return await self._store.change_chat(
            chat_id,
            lambda before: replace(before or self._new_chat(chat_id), suspended=True),
            self._record("chat.suspended", chat_id=chat_id),
        )

    async def resume_chat(self, chat_id: int) -> StoredChat:
        """Take back that a chat was suspended; raises `StateConflict` if nothing is known of it."""
        require_chat(chat_id)

        def resumed(before: StoredChat | None) -> StoredChat:
            if before is None:
                raise StateConflict(f"nothing is known of chat {chat_id}: `chatkey chat list` shows the chats")
            return replace(before, suspended=False)

        return await self._store.change_chat(chat_id, resumed, self._record("chat.resumed", chat_id=chat_id))

    async def name_chats(self, titles: Mapping[int, str]) -> None:
        """Keep what chats are called now, of those that are here."""
        known = {chat.chat_id for chat in await self._store.chats()}
        for chat_id in known & titles.keys():
            await self._name_chat(chat_id, "".join(filter(str.isprintable, titles[chat_id]))[:MAX_TEXT])

    async def _name_chat(self, chat_id: int, title: str) -> None:
        def named(before: StoredChat | None) -> StoredChat:
            return replace(before or self._new_chat(chat_id), title=title)

        await self._store.change_chat(chat_id, named, self._record("chat.named", chat_id=chat_id))

    def _new_chat(self, chat_id: int) -> StoredChat:
        return StoredChat(chat_id=chat_id, created_by=self._by, created_at=self._clock.now())

    # Tokens and keys.

    async def note_issued(self, caller: Caller) -> IssuedToken:
        """Keep that a token was issued, by what it says of whoever will hold it, and return what is kept.

        Raises:
            StateConflict: it would be refused from the first moment on, because of its generation or its second.
        """
        client = await self._store.client(caller.client)
        if client is not None and (caller.generation or 0) < client.min_generation:
            raise StateConflict(f"tokens of {client.name} need --generation {client.min_generation} or a later one")
        if client is not None and is_before(caller, client.not_before):
            raise StateConflict(f"every token of {client.name} of this second is revoked: issue it again")
        token = IssuedToken(
            token_id=caller.token_id,
            client=caller.client,
            key_id=caller.key_id,
            chat_ids=caller.chat_ids,
            issued_at=caller.issued_at,
            expires_at=caller.expires_at,
            issued_by=self._by,
        )
        record = self._record(
            "token.issued",
            client=caller.client,
            token_id=caller.token_id,
            key_id=caller.key_id,
            issuer=caller.issuer,
            chat_id=caller.sole_chat_id,
            chats=len(caller.grants),
            expires_at=caller.expires_at.isoformat(),
        )
        await self._store.add_issued(token, record)
        return token

    async def revoke_token(self, token_id: str) -> bool:
        """Revoke a token, known here or not, and what was narrowed from it; return whether it was not revoked before.

        Of a token that was not issued here it is not known when it expires: it is revoked for as long as one that was
        issued this moment could live at most.

        Raises:
            RequestInvalid: it is no id of a token.
        """
        require_name("token_id", token_id)
        issued = await self._store.issued_token(token_id)
        expires_at = issued.expires_at if issued else self._clock.now() + MAX_LIFETIME + MAX_SKEW
        record = self._record("token.revoked", token_id=token_id, client=issued.client if issued else "")
        return await self._store.revoke_token(token_id, expires_at, record)

    async def mark_canary(self, token_id: str) -> bool:
        """Refuse a token for good and raise the alarm whenever it is used; return whether that is news.

        It is a bait: put where only a thief would find it. Whoever uses it is refused like anybody whose credential is
        bad, and can't tell.

        Raises:
            RequestInvalid: it is no id of a token.
        """
        require_name("token_id", token_id)
        issued = await self._store.issued_token(token_id)
        record = self._record("token.canary_marked", token_id=token_id, client=issued.client if issued else "")
        return await self._store.mark_canary(token_id, record)

    async def revoke_key(self, issuer: str, key_id: str) -> bool:
        """Revoke every token that a key of an issuer signed; return whether it was not revoked before."""
        require_name("issuer", issuer)
        require_name("key_id", key_id)
        return await self._store.revoke_key(issuer, key_id, self._record("key.revoked", issuer=issuer, key_id=key_id))

    async def revoke_all(self, not_before: datetime) -> bool:
        """Revoke every token of everybody that was issued at an instant or earlier; return whether that is news.

        Raises:
            RequestInvalid: the instant is to come.
        """
        at = past(not_before, self._clock.now())
        return await self._store.revoke_all(at, self._record("token.all_revoked", not_before=at.isoformat()))

    def _record(self, event: str, **known: Any) -> Record:
        fields = {name: known.pop(name) for name in _RECORD_FIELDS & known.keys()}
        return Record(
            at=self._clock.now(),
            event=event,
            decision="allow",
            address=self._origin.address,
            method=self._origin.method,
            call_id=self._origin.call_id,
            facts={"by": self._by, **known},
            **fields,
        )


_RECORD_FIELDS = frozenset({"client", "token_id", "key_id", "issuer", "chat_id"})


def _known(before: StoredClient | None, name: str) -> StoredClient:
    if before is None:
        raise StateConflict(f"nothing is known of {name}: `chatkey client list` shows the clients")
    return before


def _told(terms: Mapping[str, Any]) -> dict[str, str | int | bool]:
    """Say terms as the audit log has them: plain values."""
    told: dict[str, str | int | bool] = {}
    for name, value in terms.items():
        if value is None:
            told[name] = "any"
        elif isinstance(value, frozenset):
            told[name] = " ".join(map(str, sorted(value)))
        else:
            told[name] = value if isinstance(value, int) else str(value)
    return told


def _words(permissions: frozenset[Permission]) -> str:
    return " ".join(permission.value for permission in Permission if permission in permissions)
