"""The table `[[trusted_issuers]]` of `chatkey.toml`: whose tokens are taken beside our own, and what those may say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.addresses import AddressRanges
from gateway.durations import duration
from gateway.errors import ConfigInvalid
from gateway.model import Permission, is_chat_id

TABLE = "trusted_issuers"

ALGORITHMS = ("ES256", "EdDSA", "RS256", "PS256")
"""Algorithms that an issuer may be given; never one with a shared secret, with which whoever verifies can sign too."""

TOKEN_TYPES = frozenset({"at+jwt", "JWT"})
"""`typ` of a client's token: RFC 9068's, and what a plain JWT library writes. In this spelling only."""

MAX_LIFETIME = timedelta(days=32)
NOWHERE = AddressRanges()

NEVER_IGNORED = frozenset(
    {"alg", "kid", "typ", "crit", "b64", "zip", "cty", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"}
    | {"enc", "epk", "p2c", "p2s", "apu", "apv"}
)
"""Header members that change what a token is or where its key comes from (RFC 7515 to 7518)."""

NEVER_IGNORED_CLAIMS = frozenset(
    {"iss", "sub", "aud", "iat", "nbf", "exp", "jti", "src_cidrs", "cnf", "gen", "ancestors"}
    | {"chat_id", "authorization_details", "message_thread_id", "scope"}
)
"""Claims that say whose token it is and what it opens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedChat:
    """A chat that an issuer's tokens open although they name none.

    Attributes:
        subject: The `sub` of the tokens: exactly this, or with `*` at its end whatever begins like it.
        chat_id: The chat.
        actions: What may be done there.
    """

    subject: str
    chat_id: int
    actions: frozenset[Permission]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIssuer:
    """An issuer whose tokens are taken, and within which bounds.

    Attributes:
        issuer: Its `iss`, exactly. For SPIFFE, whose tokens need none, the trust domain, such as `spiffe://corp.example`.
        audience: The `aud` that its tokens must have, exactly.
        jwks_file: Where its public keys are: a file, followed through every change of it;
        jwks_url: or an https address, asked every five minutes. One of the two.
        jwks_ca_file: The CA of that address, PEM; None: those that the machine trusts.
        jwks_networks: Where that address may lead, beside the public internet.
        algorithms: Of its keys.
        subjects: Whom it may speak for: each a `sub`, or its beginning with `*` at the end.
        chats: The chats that it may open; None: every chat.
        chat_mapping: The chats of its subjects, for tokens that name none; then `subjects` and `chats` are not given.
        max_lifetime: The longest life of its tokens; None: that of our own.
        token_types: The `typ` that they may have; an empty text stands for none.
        ignored_header_members: What else may stand in their header and means nothing to us.
        ignored_claims: What else they may claim and means nothing to us.
        several_audiences: Whether they may be for others too.
    """

    issuer: str
    audience: str
    jwks_file: Path | None = None
    jwks_url: str = ""
    jwks_ca_file: Path | None = None
    jwks_networks: AddressRanges = NOWHERE
    algorithms: tuple[str, ...] = ("ES256", "EdDSA")
    subjects: tuple[str, ...] = ()
    chats: frozenset[int] | None = frozenset()
    chat_mapping: tuple[MappedChat, ...] = ()
    max_lifetime: timedelta | None = None
    token_types: frozenset[str] = TOKEN_TYPES
    ignored_header_members: frozenset[str] = frozenset()
    ignored_claims: frozenset[str] = frozenset()
    several_audiences: bool = False

    def __post_init__(self) -> None:
        """Raise `ConfigInvalid` for one that would be trusted with nothing, or with what nobody wrote down."""
        if bool(self.jwks_file) == bool(self.jwks_url):
            raise ConfigInvalid("set one of `jwks_file` and `jwks_url`")
        if not self.jwks_url and (self.jwks_ca_file or self.jwks_networks):
            raise ConfigInvalid("`jwks_ca_file` and `jwks_networks` are for `jwks_url` only")
        if self.chat_mapping and (self.subjects or self.chats != frozenset()):
            raise ConfigInvalid("`chat_mapping` names subjects and chats: leave out `subjects` and `chats`")
        if not self.chat_mapping and (not self.subjects or self.chats == frozenset()):
            raise ConfigInvalid("set `subjects` and `chats`, or `chat_mapping` for tokens that name no chat")


def trusted_issuers(value: object, source: str) -> tuple[TrustedIssuer, ...]:
    """Return what the table says.

    Args:
        value: The table as TOML gives it.
        source: Where it stands, for people.

    Raises:
        ConfigInvalid: in one line, which entry is wrong and how.
    """
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ConfigInvalid(f"{source} must be tables: write [[{TABLE}]] above each.")
    issuers = tuple(_entry(entry, f"{source}, entry {number}") for number, entry in enumerate(value, 1))
    names = [issuer.issuer for issuer in issuers]
    for name in names:
        if names.count(name) > 1:
            raise ConfigInvalid(f"{source}: {name!r} is there twice.")
    return issuers


def _entry(entry: Mapping[str, object], source: str) -> TrustedIssuer:
    for name in entry:
        if name not in _PARSERS:
            raise ConfigInvalid(f"{source}: `{name}` is not a setting of an issuer; there are {', '.join(_PARSERS)}.")
    for name in ("issuer", "audience"):
        if name not in entry:
            raise ConfigInvalid(f"{source}: `{name}` is missing.")
    values: dict[str, Any] = {name: _parsed(name, value, source) for name, value in entry.items()}
    try:
        return TrustedIssuer(**values)
    except ConfigInvalid as error:
        raise ConfigInvalid(f"{source}: {error}.") from None


def _parsed(name: str, value: object, source: str) -> object:
    try:
        return _PARSERS[name](value)
    except ValueError as error:
        raise ConfigInvalid(f"{source}: `{name}` must be {error}.") from None


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text that is not empty")
    return value


def _path(value: object) -> Path:
    return Path(_text(value)).expanduser()


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _lifetime(value: object) -> timedelta:
    length = duration(_text(value))
    if length > MAX_LIFETIME:
        raise ValueError("at most 32d")
    return length


def _url(value: object) -> str:
    text = _text(value)
    parts = urlsplit(text)
    try:
        has_port = parts.port != 0
    except ValueError:
        has_port = False
    plain = text.isascii() and text.isprintable() and "@" not in parts.netloc and not parts.fragment
    if parts.scheme != "https" or not parts.hostname or not has_port or not plain:
        raise ValueError("an https:// address in ASCII, without a user, a password or a fragment in it")
    return text


def _texts(what: str, *, empty_text: bool = False) -> Callable[[object], tuple[str, ...]]:
    def parse(value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
            raise ValueError(f"a list of {what}")
        if len(set(value)) != len(value) or ("" in value and not empty_text):
            raise ValueError(f"a list of distinct {what}, none of them empty")
        return tuple(value)

    return parse


def _algorithms(value: object) -> tuple[str, ...]:
    names = _texts("algorithms")(value)
    if not set(names) <= set(ALGORITHMS):
        raise ValueError(f"a list of {', '.join(ALGORITHMS)}")
    return names


def _pattern(value: object) -> str:
    text = _text(value)
    if "*" in text[:-1]:
        raise ValueError("a text with `*` at its end only")
    return text


def _subjects(value: object) -> tuple[str, ...]:
    return tuple(map(_pattern, _texts("subjects")(value)))


def _chats(value: object) -> frozenset[int] | None:
    if value == ["*"]:
        return None
    if not isinstance(value, list) or not value or not all(map(is_chat_id, value)):
        raise ValueError('a list of chat ids, or ["*"] for every chat')
    return frozenset(value)


def _types(value: object) -> frozenset[str]:
    return frozenset(_texts("types", empty_text=True)(value))


def _ignored(never: frozenset[str]) -> Callable[[object], frozenset[str]]:
    def parse(value: object) -> frozenset[str]:
        names = frozenset(_texts("names")(value))
        if names & never:
            raise ValueError(f"a list without {', '.join(sorted(names & never))}, which can't be passed over")
        return names

    return parse


def _ranges(value: object) -> AddressRanges:
    try:
        return AddressRanges.parse(_texts("ranges of addresses")(value))
    except ValueError:
        raise ValueError("a list of ranges of addresses, such as 10.0.0.0/8") from None


def _mapping(value: object) -> tuple[MappedChat, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("a list of tables with subject, chat_id and actions")
    return tuple(map(_mapped, value))


def _mapped(entry: object) -> MappedChat:
    if not isinstance(entry, dict) or entry.keys() != {"subject", "chat_id", "actions"}:
        raise ValueError("a list of tables with subject, chat_id and actions, and nothing else")
    actions = _texts("actions")(entry["actions"])
    if not set(actions) <= {permission.value for permission in Permission}:
        raise ValueError(f"tables whose `actions` are of {', '.join(permission.value for permission in Permission)}")
    if not is_chat_id(entry["chat_id"]):
        raise ValueError("tables whose `chat_id` is the id of a chat")
    return MappedChat(
        subject=_pattern(entry["subject"]),
        chat_id=entry["chat_id"],
        actions=frozenset(map(Permission, actions)),
    )


_PARSERS: Mapping[str, Callable[[object], object]] = {
    "issuer": _text,
    "audience": _text,
    "jwks_file": _path,
    "jwks_url": _url,
    "jwks_ca_file": _path,
    "jwks_networks": _ranges,
    "algorithms": _algorithms,
    "subjects": _subjects,
    "chats": _chats,
    "chat_mapping": _mapping,
    "max_lifetime": _lifetime,
    "token_types": _types,
    "ignored_header_members": _ignored(NEVER_IGNORED),
    "ignored_claims": _ignored(NEVER_IGNORED_CLAIMS),
    "several_audiences": _flag,
}
