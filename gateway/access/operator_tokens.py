"""From a token to an operator: a kind of token of its own, of another type, audience and life, without a chat."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from gateway.access import addresses, confirmation
from gateway.access.causes import refused
from gateway.access.claims import MAX_INSTANT, Policy, is_token_id, members_of
from gateway.access.compact import MAX_TOKEN_LENGTH, header_and_payload
from gateway.access.issuers import Trust
from gateway.access.keys import KeySet
from gateway.access.signed import header_members, key_for, require_signature
from gateway.clock import Clock
from gateway.errors import TokenExpired, Unauthenticated
from gateway.operators import PREFIX, AdminRight, Operator, is_operator_name

OPERATOR_TOKEN_TYPE = "chatkey-admin+jwt"  # noqa: S105 - a media type
MAX_OPERATOR_LIFETIME = timedelta(minutes=15)

STRONG_METHODS = frozenset({"mfa", "otp", "hwk"})
"""`amr` (RFC 8176) of a second factor: without one of them `auth_time` says only when a password was given."""

_REQUIRED = frozenset({"iss", "sub", "aud", "iat", "exp", "jti", "scope"})
_KNOWN = _REQUIRED | {"nbf", "auth_time", "amr", "src_cidrs", "cnf"}
_REMEMBERED = 256


class OperatorVerifier:
    """Tells who administers. Every token is verified on every call: there are few."""

    def __init__(
        self,
        keys: KeySet,
        *,
        issuer: str,
        audience: str,
        clock: Clock,
        skew: timedelta = timedelta(seconds=10),
        is_stale: Callable[[], bool] | None = None,
    ) -> None:
        """Trust the tokens of our own issuer that are made for administration and signed with one of `keys`, which are
        not those of callers' tokens.

        Raises:
            ConfigInvalid: an empty issuer or audience, or a limit out of range.
        """
        policy = Policy(issuer=issuer, audience=audience, max_lifetime=MAX_OPERATOR_LIFETIME, skew=skew)
        self._trust = Trust(keys=keys, policy=policy, token_types=frozenset({OPERATOR_TOKEN_TYPE}), is_stale=is_stale)
        self._clock = clock
        self._good: OrderedDict[bytes, None] = OrderedDict()

    def remembers(self, token: str) -> bool:
        """Whether a token was good when it was last used; whatever the text."""
        return _digest(token) in self._good

    def verify(self, token: str) -> Operator:
        """Return who holds this token; `origin` is left to the door.

        Raises:
            TokenExpired: `token_expired`; nothing else is wrong with it.
            StateStale: the keys are too old to be relied on.
            Unauthenticated: anything else, with its cause. No other exception, whatever the text.
        """
        digest = _digest(token)
        self._good.pop(digest, None)
        operator = self._verified(token)
        self._good[digest] = None
        if len(self._good) > _REMEMBERED:
            self._good.popitem(last=False)
        return operator

    def require_key(self, operator: Operator) -> None:
        """Return if the key of a token that was verified a while ago is still good; raises `Unauthenticated`."""
        if self._trust.keys.find(operator.key_id) is None:
            raise refused("revoked_key")

    def _verified(self, token: str) -> Operator:
        if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
            raise refused("malformed_token")
        header, payload = header_and_payload(token)
        members = header_members(header)
        self._trust.require_fresh()
        self._trust.require_header(members)
        key = key_for(self._trust, members)
        require_signature(token, key)
        claimed: dict[str, object] = {}
        try:
            claimed = members_of(payload)
            operator = self._operator(claimed, key.kid)
            self._check_time(operator, _instant(claimed.get("nbf", claimed["iat"])))
        except Unauthenticated as error:
            error.record.update(_identity(claimed), verified=True, key_id=key.kid, issuer=self._trust.policy.issuer)
            raise
        return operator

    def _operator(self, members: dict[str, object], kid: str) -> Operator:
        policy = self._trust.policy
        if members.keys() - _KNOWN:
            raise refused("unknown_claim")
        if _REQUIRED - members.keys():
            raise refused("missing_claim")
        if members["iss"] != policy.issuer:
            raise refused("wrong_issuer")
        if members["aud"] != policy.audience:
            raise refused("wrong_audience")
        issued_at, expires_at = _instant(members["iat"]), _instant(members["exp"])
        if expires_at <= issued_at:
            raise refused("bad_time")
        if timedelta(seconds=expires_at - issued_at) > policy.max_lifetime:
            raise refused("lifetime_too_long")
        name, token_id = members["sub"], members["jti"]
        if not is_operator_name(name):
            raise refused("bad_subject")
        if not is_token_id(token_id):
            raise refused("bad_token_id")
        return Operator(
            name=name,
            token_id=token_id,
            key_id=kid,
            issuer=policy.issuer,
            rights=_rights(members["scope"]),
            issued_at=_moment(issued_at),
            expires_at=_moment(expires_at),
            authenticated_at=_authenticated_at(members, issued_at),
            address_ranges=addresses.ranges_from(members["src_cidrs"]) if "src_cidrs" in members else None,
            certificate_thumbprint=confirmation.thumbprint_from(members["cnf"]) if "cnf" in members else "",
        )

    def _check_time(self, operator: Operator, not_before: int) -> None:
        now, skew = self._clock.now(), self._trust.policy.skew
        if now + skew < max(operator.issued_at, _moment(not_before)):
            raise refused("not_yet_valid")
        if now >= operator.expires_at + skew:
            raise TokenExpired("token_expired")


def _rights(scope: object) -> frozenset[AdminRight]:
    """Return the rights; a word that is none spoils all of them, since nobody else issues such tokens."""
    words = scope.split(" ") if isinstance(scope, str) else []
    known = {right.value: right for right in AdminRight}
    if not words or len(words) != len(set(words)) or not known.keys() >= set(words):
        raise refused("bad_scope")
    return frozenset(known[word] for word in words)


def _authenticated_at(members: dict[str, object], issued_at: int) -> datetime | None:
    if "auth_time" not in members and "amr" not in members:
        return None
    methods = members.get("amr")
    if not isinstance(methods, list) or not all(isinstance(method, str) for method in methods):
        raise refused("bad_confirmation")
    at = _instant(members.get("auth_time"))
    if at > issued_at:
        raise refused("bad_time")
    return _moment(at) if STRONG_METHODS.intersection(methods) else None


def _instant(value: object) -> int:
    if type(value) is not int or not 0 <= value <= MAX_INSTANT:
        raise refused("bad_time")
    return value


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()


def _identity(claimed: dict[str, object]) -> dict[str, object]:
    identity: dict[str, object] = {}
    if is_token_id(claimed.get("jti")):
        identity["token_id"] = claimed["jti"]
    if is_operator_name(name := claimed.get("sub")):
        identity |= {"client": PREFIX + name, "facts": {"by": PREFIX + name}}
    return identity
