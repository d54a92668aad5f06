"""What a correctly signed token says: every claim typed and bounded, and none that is not known."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeGuard

from gateway.access import addresses, confirmation
from gateway.access.causes import refused
from gateway.access.compact import MAX_TOKEN_LENGTH
from gateway.access.keys import KEY_ID
from gateway.access.pins import grants_from
from gateway.access.strict_json import JsonInvalid, read_object
from gateway.addresses import AddressRanges
from gateway.errors import ConfigInvalid
from gateway.model import Ancestor, Grant, is_chat_id
from gateway.operators import PREFIX

MAX_LIFETIME = timedelta(days=32)
MAX_SKEW = timedelta(seconds=60)
MAX_INSTANT = 253_402_300_799
"""The last second of the year 9999, the last that `datetime` can say."""

MAX_DEPTH = 4
"""How many times a token may have been narrowed."""

REQUIRED = frozenset({"iss", "sub", "aud", "iat", "exp", "jti"})
PINS = frozenset({"chat_id", "authorization_details"})
"""What says which chats a token opens: exactly one of them."""
KNOWN = REQUIRED | PINS | {"nbf", "scope", "message_thread_id", "src_cidrs", "cnf", "gen", "ancestors"}
MAX_GENERATION = (1 << 63) - 1

_CLIENT = re.compile(r"[A-Za-z0-9:._/@-]{1,255}")
_TOKEN_ID = re.compile(r"[A-Za-z0-9:._-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is asked of the tokens of one issuer.

    Attributes:
        issuer: `iss`, compared exactly.
        audience: The one `aud`, compared exactly.
        max_lifetime: The longest `exp - iat`; at most 32 days.
        skew: How far the issuer's clock may be off; at most 60 s.
    """

    issuer: str
    audience: str
    max_lifetime: timedelta = timedelta(hours=24)
    skew: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        """Raise `ConfigInvalid` for a policy that would let in any issuer's token, or one for ever."""
        if not self.issuer.strip():
            raise ConfigInvalid("CHATKEY_ISSUER is empty: set it to the name that stands in the tokens as `iss`")
        if not self.audience.strip():
            raise ConfigInvalid("CHATKEY_AUDIENCE is empty: any token of this issuer would do; set it")
        if not timedelta() < self.max_lifetime <= MAX_LIFETIME:
            raise ConfigInvalid("the longest lifetime of a token must be above 0 and at most 32 days")
        if not timedelta() <= self.skew <= MAX_SKEW:
            raise ConfigInvalid("the clock skew must be from 0 to 60 seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The claims of a token, each as `Caller` has it; instants in seconds since 1970."""

    client: str
    token_id: str
    grants: tuple[Grant, ...]
    issued_at: int
    not_before: int
    expires_at: int
    address_ranges: AddressRanges | None
    certificate_thumbprint: str
    generation: int | None
    ancestors: tuple[Ancestor, ...]


def is_client(value: object) -> TypeGuard[str]:
    """Whether `value` can be the name of a client: 1 to 255 of `[A-Za-z0-9:._/@-]`."""
    return isinstance(value, str) and _CLIENT.fullmatch(value) is not None


def members_of(payload: bytes) -> dict[str, object]:
    """Return the claims as they stand in the token.

    Raises:
        Unauthenticated: `malformed_claims`.
    """
    try:
        return read_object(payload, MAX_TOKEN_LENGTH)
    except JsonInvalid:
        raise refused("malformed_claims") from None


def identity_of(members: dict[str, object]) -> dict[str, object]:
    """Return what of the claims can go into the audit record of a refusal: whatever is well-formed."""
    checks: dict[str, tuple[str, Callable[[object], bool]]]
    checks = {"client": ("sub", _is_caller), "token_id": ("jti", is_token_id), "chat_id": ("chat_id", is_chat_id)}
    return {name: members[claim] for name, (claim, is_sound) in checks.items() if is_sound(members.get(claim))}


def claims_from(members: dict[str, object], policy: Policy) -> Claims:
    """Return the claims, each checked, of a token whose signature holds. Whether its time has come is not looked at.

    Raises:
        Unauthenticated: with the cause.
    """
    _check_names(members)
    if members["iss"] != policy.issuer:
        raise refused("wrong_issuer")
    if members["aud"] not in (policy.audience, [policy.audience]):
        raise refused("wrong_audience")
    issued_at, expires_at = _instant(members["iat"]), _instant(members["exp"])
    if expires_at <= issued_at:
        raise refused("bad_time")
    if timedelta(seconds=expires_at - issued_at) > policy.max_lifetime:
        raise refused("lifetime_too_long")
    return Claims(
        client=_client(members["sub"]),
        token_id=_token_id(members["jti"]),
        grants=grants_from(members),
        issued_at=issued_at,
        not_before=_instant(members.get("nbf", issued_at)),
        expires_at=expires_at,
        address_ranges=addresses.ranges_from(members["src_cidrs"]) if "src_cidrs" in members else None,
        certificate_thumbprint=confirmation.thumbprint_from(members["cnf"]) if "cnf" in members else "",
        generation=_generation(members["gen"]) if "gen" in members else None,
        ancestors=_ancestors(members["ancestors"]) if "ancestors" in members else (),
    )


def _check_names(members: dict[str, object]) -> None:
    names = members.keys()
    if names - KNOWN:
        raise refused("unknown_claim")
    if REQUIRED - names:
        raise refused("missing_claim")


def _instant(value: object) -> int:
    if type(value) is not int or not 0 <= value <= MAX_INSTANT:
        raise refused("bad_time")
    return value


def _client(value: object) -> str:
    if not _is_caller(value):
        raise refused("bad_subject")
    return value


def _is_caller(value: object) -> TypeGuard[str]:
    # Operators are named with this prefix in the audit log and the registry: whoever issues tokens must not play one.
    return is_client(value) and not value.startswith(PREFIX)


def _token_id(value: object) -> str:
    if not is_token_id(value):
        raise refused("bad_token_id")
    return value


def is_token_id(value: object) -> TypeGuard[str]:
    """Whether `value` can be the id of a token: 1 to 64 of `[A-Za-z0-9:._-]`."""
    return isinstance(value, str) and _TOKEN_ID.fullmatch(value) is not None


def _generation(value: object) -> int:
    if type(value) is not int or not 0 <= value <= MAX_GENERATION:
        raise refused("bad_generation")
    return value


def _ancestors(value: object) -> tuple[Ancestor, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_DEPTH:
        raise refused("bad_ancestors")
    return tuple(map(_ancestor, value))


def _ancestor(value: object) -> Ancestor:
    if not isinstance(value, dict) or value.keys() != {"jti", "kid", "iat"}:
        raise refused("bad_ancestors")
    key_id = value["kid"]
    if not isinstance(key_id, str) or KEY_ID.fullmatch(key_id) is None:
        raise refused("bad_ancestors")
    return Ancestor(
        token_id=_token_id(value["jti"]),
        key_id=key_id,
        issued_at=datetime.fromtimestamp(_instant(value["iat"]), UTC),
    )
