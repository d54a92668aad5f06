"""What is believed of an issuer's tokens: which keys, which header, which claims, for whom and for which chats."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from gateway.access.causes import refused
from gateway.access.claims import PINS, Claims, Policy, claims_from
from gateway.access.keys import KeySet
from gateway.access.pins import DETAIL_TYPE
from gateway.errors import StateStale
from gateway.model import Permission
from gateway.trust import TOKEN_TYPES, MappedChat, TrustedIssuer

_HEADER_NAMES = frozenset({"alg", "kid"})
_SPIFFE = "spiffe://"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trust:
    """What is believed of the tokens of one issuer. As it is by default, it is what holds for our own.

    Attributes:
        keys: What they are signed with; no other issuer's token can be.
        policy: What is asked of every token.
        token_types: The `typ` that they may have; an empty text stands for none.
        ignored_header_members: What else may stand in their header.
        ignored_claims: What else they may claim.
        several_audiences: Whether they may be for others too.
        subjects: Whom the issuer may speak for, exactly or with `*` at the end; None: anybody.
        chats: The chats that it may open; None: every chat.
        chat_mapping: The chats of its subjects, for tokens that name none.
        is_stale: Whether its keys are too old to be relied on; None: they can't be.
        on_unknown_key: Told when a token names a key that is not known; returns at once.
    """

    keys: KeySet
    policy: Policy
    token_types: frozenset[str] = TOKEN_TYPES
    ignored_header_members: frozenset[str] = frozenset()
    ignored_claims: frozenset[str] = frozenset()
    several_audiences: bool = False
    subjects: tuple[str, ...] | None = None
    chats: frozenset[int] | None = None
    chat_mapping: tuple[MappedChat, ...] = ()
    is_stale: Callable[[], bool] | None = None
    on_unknown_key: Callable[[], None] | None = None

    @classmethod
    def of(
        cls,
        issuer: TrustedIssuer,
        keys: KeySet,
        *,
        max_lifetime: timedelta,
        is_stale: Callable[[], bool],
        on_unknown_key: Callable[[], None] | None = None,
    ) -> Trust:
        """Return what the configuration believes of an issuer.

        Args:
            issuer: What it says.
            keys: The issuer's keys, kept up to date by whoever gives them.
            max_lifetime: The longest life of a token where the issuer has none of its own.
            is_stale: As the attribute.
            on_unknown_key: As the attribute.
        """
        return cls(
            keys=keys,
            policy=Policy(
                issuer=issuer.issuer, audience=issuer.audience, max_lifetime=issuer.max_lifetime or max_lifetime
            ),
            token_types=issuer.token_types,
            ignored_header_members=issuer.ignored_header_members,
            ignored_claims=issuer.ignored_claims,
            several_audiences=issuer.several_audiences,
            subjects=None if issuer.chat_mapping else issuer.subjects,
            chats=None if issuer.chat_mapping else issuer.chats,
            chat_mapping=issuer.chat_mapping,
            is_stale=is_stale,
            on_unknown_key=on_unknown_key,
        )

    def require_fresh(self) -> None:
        """Return if the keys can be relied on.

        Raises:
            StateStale: it was not learned for too long whether they are still good.
        """
        if self.is_stale is not None and self.is_stale():
            raise StateStale()

    def require_header(self, header: Mapping[str, object]) -> None:
        """Return if the header has the members that it may have, and the right `typ`.

        Raises:
            Unauthenticated: `bad_header` or `wrong_type`.
        """
        if header.keys() - _HEADER_NAMES - {"typ"} - self.ignored_header_members:
            raise refused("bad_header")
        if "typ" not in header:
            if "" not in self.token_types:
                raise refused("bad_header")
            return
        kind = header["typ"]
        if not isinstance(kind, str):
            raise refused("bad_header")
        if not kind or kind not in self.token_types:
            raise refused("wrong_type")

    def claims_from(self, members: dict[str, object], signed: str) -> Claims:
        """Return the claims of a token whose signature holds, once they are within what is believed.

        Args:
            members: The claims as they stand in the token.
            signed: The part of the token that is signed.

        Raises:
            Unauthenticated: with the cause.
        """
        members = {name: value for name, value in members.items() if name not in self.ignored_claims}
        if self.several_audiences and self._is_among(members.get("aud")):
            members["aud"] = self.policy.audience
        if self.chat_mapping:
            members = self._mapped(members, signed)
        claims = claims_from(members, self.policy)
        if self.subjects is not None and not any(_fits(claims.client, pattern) for pattern in self.subjects):
            raise refused("bad_subject")
        if self.chats is not None and not self.chats.issuperset(grant.chat_id for grant in claims.grants):
            raise refused("bad_chat")
        return claims

    def _is_among(self, audience: object) -> bool:
        return (
            isinstance(audience, list)
            and all(isinstance(name, str) for name in audience)
            and self.policy.audience in audience
        )

    def _mapped(self, members: dict[str, object], signed: str) -> dict[str, object]:
        """Say in our words what a JWT-SVID says: it names no chat, and may leave out who issued it and its own name.

        Without a `jti` its name is the digest of what was signed, which nobody but its issuer can vary.
        """
        if members.keys() & (PINS | {"scope"}):
            raise refused("bad_chat")
        subject = members.get("sub")
        actions: dict[int, frozenset[Permission]] = {}
        for entry in self.chat_mapping:
            if isinstance(subject, str) and _fits(subject, entry.subject):
                actions[entry.chat_id] = actions.get(entry.chat_id, frozenset()) | entry.actions
        if not actions:
            raise refused("bad_subject")
        details = [
            {"type": DETAIL_TYPE, "identifier": str(chat_id), "actions": [action.value for action in may]}
            for chat_id, may in actions.items()
        ]
        return {
            "iss": self.policy.issuer,
            "jti": f"sha256-{hashlib.sha256(signed.encode()).hexdigest()[:32]}",
            **members,
            "authorization_details": details,
        }


def issuer_in(members: dict[str, object]) -> object:
    """Return whose token it says it is: its `iss`, or without one the trust domain of a SPIFFE id in `sub`.

    https://github.com/spiffe/spiffe/blob/main/standards/JWT-SVID.md asks for no `iss`.

    Raises:
        Unauthenticated: `missing_claim`: it says neither.
    """
    if "iss" in members:
        return members["iss"]
    subject = members.get("sub")
    if not isinstance(subject, str) or not subject.startswith(_SPIFFE):
        raise refused("missing_claim")
    return _SPIFFE + subject.removeprefix(_SPIFFE).partition("/")[0]


def _fits(subject: str, pattern: str) -> bool:
    return subject.startswith(pattern[:-1]) if pattern.endswith("*") else subject == pattern
