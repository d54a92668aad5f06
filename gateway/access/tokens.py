"""From a token's text to a caller: the strict layer over PyJWT, which checks the signature and nothing else."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.access.causes import refused
from gateway.access.claims import Claims, Policy, identity_of, members_of
from gateway.access.compact import MAX_TOKEN_LENGTH, header_and_payload
from gateway.access.issuers import Trust, issuer_in
from gateway.access.keys import KeySet, VerificationKey
from gateway.access.signed import header_members, key_for, require_signature
from gateway.clock import Clock
from gateway.errors import ConfigInvalid, TokenExpired, Unauthenticated
from gateway.model import Caller


@dataclass(frozen=True, slots=True)
class _Verified:
    """A token that was verified, with what has to be looked at again on each call."""

    caller: Caller
    trust: Trust
    key: VerificationKey
    valid_from: int
    expires_at: int


class Verifier:
    """Tells who calls.

    A token costs at most one signature check (some 0.1 ms) over at most 4096 characters, so a coroutine may call it in
    line: handing it to a thread would cost as much as it saves.
    """

    def __init__(
        self,
        keys: KeySet,
        *,
        issuer: str,
        audience: str,
        clock: Clock,
        max_lifetime: timedelta = timedelta(hours=24),
        skew: timedelta = timedelta(seconds=10),
        remembered: int = 4096,
        is_stale: Callable[[], bool] | None = None,
        trusted: Iterable[Trust] = (),
        on_tainted_key: Callable[[Caller], None] | None = None,
    ) -> None:
        """Trust the tokens of our own issuer that are made for one audience and signed with one of `keys`.

        Args:
            remembered: How many verified tokens to remember, at least 1.
            is_stale: Whether `keys` are too old to be relied on; None: they can't be.
            trusted: What is believed of other issuers.
            on_tainted_key: Told of each token that is signed with a tainted key, once while it is remembered.

        Raises:
            ConfigInvalid: an empty issuer or audience, or a limit out of range.
        """
        if remembered < 1:
            raise ConfigInvalid("the number of verified tokens to remember must be at least 1")
        policy = Policy(issuer=issuer, audience=audience, max_lifetime=max_lifetime, skew=skew)
        own = Trust(keys=keys, policy=policy, is_stale=is_stale)
        # Each issuer has a key set of its own: a key that one of them holds opens nothing in the name of another.
        self._trust_in: dict[object, Trust] = {}
        for trust in (own, *trusted):
            if trust.policy.issuer in self._trust_in:
                raise ConfigInvalid(f"two issuers are named {trust.policy.issuer}")
            self._trust_in[trust.policy.issuer] = trust
        self._skew = skew.total_seconds()
        self._clock = clock
        self._max_remembered = remembered
        self._on_tainted_key = on_tainted_key
        # By digest, so that no token lies in memory; oldest use first. Only what was accepted is in it: a flood of bad
        # tokens pushes nobody out.
        self._remembered: OrderedDict[bytes, _Verified] = OrderedDict()

    def remembers(self, token: str) -> bool:
        """Whether a token was verified lately, so that it costs no signature check now; whatever the text."""
        return hashlib.sha256(token.encode(errors="replace")).digest() in self._remembered

    def verify(self, token: str) -> Caller:
        """Return who holds this token; `origin` is left to the door.

        Time and trust in the key are looked at on every call, whether the token is remembered or not.

        Raises:
            TokenExpired: `token_expired`; nothing else is wrong with it.
            StateStale: the keys of the token's issuer are too old to be relied on.
            Unauthenticated: anything else, with its cause. No other exception, whatever the text.
        """
        if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
            raise refused("malformed_token")
        digest = hashlib.sha256(token.encode()).digest()
        verified = self._remembered.pop(digest, None)
        if verified is None or verified.trust.keys.find(verified.key.kid) is not verified.key:
            verified = self._verified(token)
        verified.trust.require_fresh()
        self._check_time(verified)
        _check_ancestors(verified)
        self._remembered[digest] = verified
        if len(self._remembered) > self._max_remembered:
            self._remembered.popitem(last=False)
        return verified.caller

    def trusts(self, issuer: str, key_id: str) -> bool:
        """Whether a key of an issuer is still good: for what it signed and was verified a while ago."""
        trust = self._trust_in.get(issuer)
        return trust is not None and trust.keys.find(key_id) is not None

    def _verified(self, token: str) -> _Verified:
        header, payload = header_and_payload(token)
        members = header_members(header)
        trust = self._trust_for(payload)
        trust.require_header(members)
        key = key_for(trust, members)
        require_signature(token, key)
        claimed: dict[str, object] = {}
        try:
            claimed = members_of(payload)
            claims = trust.claims_from(claimed, token.rpartition(".")[0])
        except Unauthenticated as error:
            error.record.update(identity_of(claimed), verified=True, key_id=key.kid, issuer=trust.policy.issuer)
            raise
        caller = _caller(claims, key.kid, trust.policy.issuer)
        if key.tainted and self._on_tainted_key is not None:
            self._on_tainted_key(caller)
        return _Verified(
            caller=caller,
            trust=trust,
            key=key,
            valid_from=max(claims.issued_at, claims.not_before),
            expires_at=claims.expires_at,
        )

    def _trust_for(self, payload: bytes) -> Trust:
        """Return what is believed of the issuer that an unverified payload names.

        It only selects the keys: what is relied on is read again, from what was signed with one of them.
        """
        claimed = members_of(payload)
        issuer = issuer_in(claimed)
        trust = self._trust_in.get(issuer) if isinstance(issuer, str) else None
        if trust is None:
            raise refused("wrong_issuer", **identity_of(claimed))
        trust.require_fresh()
        return trust

    def _check_time(self, verified: _Verified) -> None:
        now = self._clock.now().timestamp()
        if now < verified.valid_from - self._skew:
            raise Unauthenticated("not_yet_valid", **_record(verified.caller))
        if now >= verified.expires_at + self._skew:
            raise TokenExpired("token_expired", **_record(verified.caller))


def _check_ancestors(verified: _Verified) -> None:
    # The key of an ancestor may be gone while the key that signed the descendant is not.
    if any(verified.trust.keys.find(ancestor.key_id) is None for ancestor in verified.caller.ancestors):
        raise Unauthenticated("ancestor_untrusted", **_record(verified.caller))


def _caller(claims: Claims, kid: str, issuer: str) -> Caller:
    return Caller(
        client=claims.client,
        token_id=claims.token_id,
        key_id=kid,
        issuer=issuer,
        grants=claims.grants,
        issued_at=datetime.fromtimestamp(claims.issued_at, UTC),
        expires_at=datetime.fromtimestamp(claims.expires_at, UTC),
        address_ranges=claims.address_ranges,
        certificate_thumbprint=claims.certificate_thumbprint,
        generation=claims.generation,
        ancestors=claims.ancestors,
    )


def _record(caller: Caller) -> dict[str, object]:
    return {
        "verified": True,
        "client": caller.client,
        "token_id": caller.token_id,
        "key_id": caller.key_id,
        "issuer": caller.issuer,
        "chat_id": caller.sole_chat_id,
    }
