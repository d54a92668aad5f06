"""The keys of the built-in issuer on disk, and their life: prepared, active, tainted, revoked.

`keys/ring.json` in the data directory says of each key in which state it is since when, and holds its public half;
`keys/*.pem` are the private halves, which only signing needs: a host that verifies can do without them.
`operator-keys` is another ring of the same make. Neither signs for the other: a key of callers' tokens makes no
operator.

    prepared   published, so that verifiers know it before the first token is signed with it
    active     signs; there is at most one
    tainted    signs no more, still verifies
    revoked    every token signed with it is refused
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from gateway import private_files
from gateway.access.keys import SigningKey, VerificationKey
from gateway.access.strict_json import JsonInvalid, read_object
from gateway.errors import ConfigInvalid, RequestInvalid, StateConflict

CALLERS = "keys"
OPERATORS = "operator-keys"
"""The rings in the data directory, by whose tokens their keys sign."""

RING = "ring.json"
FIRST = "issuer.pem"
"""The private half of the first key. Later ones are named after their keys."""

DISTRIBUTION = timedelta(minutes=5)
"""How long others may keep our JWKS: that of `Cache-Control` at the HTTP door."""

_FILE = re.compile(r"[A-Za-z0-9_-]+\.pem")
_MAX_PEM_BYTES = 16 * 1024
_MAX_RING_BYTES = 256 * 1024
_SECOND = timedelta(seconds=1)


class KeyState(Enum):
    """Where a key is in its life; it only moves on, in this order."""

    PREPARED = "prepared"
    ACTIVE = "active"
    TAINTED = "tainted"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class RingKey:
    """A key of the ring.

    Attributes:
        public: What verifies its tokens.
        file: The name of the file with its private half.
        since: When it came into each of the states that it has been in.
    """

    public: VerificationKey
    file: str
    state: KeyState
    since: Mapping[KeyState, datetime]

    @property
    def kid(self) -> str:
        """The name of the key."""
        return self.public.kid

    def moved(self, state: KeyState, now: datetime) -> RingKey:
        """Return it in another state."""
        return replace(self, state=state, since={**self.since, state: now})


class KeyRing:
    """The ring in a directory.

    A change is on the disk before the method returns, and another process sees all of it or nothing. Every method
    raises `ConfigInvalid`, in one line, where a file is damaged, open to others or can't be reached.
    """

    def __init__(self, directory: Path) -> None:
        """Take a directory as `open_ring` leaves it."""
        self._directory = directory

    @property
    def name(self) -> str:
        """Which ring it is: `CALLERS` or `OPERATORS`."""
        return self._directory.name

    @property
    def path(self) -> Path:
        """The file to watch: whatever changes the ring changes it."""
        return self._directory / RING

    def content(self) -> bytes:
        """Return what is in that file, for `trusted_in`."""
        with _explained(self.path):
            return private_files.read(self.path, _MAX_RING_BYTES)

    def read(self) -> list[RingKey]:
        """Return the keys, oldest first."""
        return _parsed(self.path, self.content())

    def signing_key(self) -> SigningKey:
        """Return the active key; `ConfigInvalid` also where there is none, or its private half is not here."""
        for key in self.read():
            if key.state is KeyState.ACTIVE:
                return self._private_half(key)
        raise ConfigInvalid("no key signs: run `chatkey key prepare`, then `chatkey key activate`")

    def check(self) -> None:
        """Return if every private half that is here is sound and for our eyes only."""
        for key in self.read():
            if os.path.lexists(self._directory / key.file):
                self._private_half(key)

    def prepare(self, now: datetime) -> RingKey:
        """Make a key and publish it; raises `StateConflict` if one is prepared already."""
        with self._changing() as change:
            for key in change.keys:
                if key.state is KeyState.PREPARED:
                    raise StateConflict(f"{key.kid} is prepared already: activate it, or revoke it")
            private = SigningKey.generate()
            name = f"{private.kid}.pem"
            private_files.write(self._directory / name, private.to_pem())
            made = RingKey(
                public=private.verification_key,
                file=name,
                state=KeyState.PREPARED,
                since={KeyState.PREPARED: now},
            )
            change.keys.append(made)
        return made

    def activate(self, kid: str | None, now: datetime, *, at_once: bool = False) -> RingKey:
        """Sign with a prepared key from now on; the one that signed before is tainted.

        Args:
            kid: The prepared key; None: whichever it is.
            now: The instant of the change.
            at_once: Even if it was prepared so lately that a verifier may not know it.

        Raises:
            StateConflict: it is not prepared, or not long enough.
            RequestInvalid: there is no such key.
        """
        with self._changing() as change:
            key = change.prepared() if kid is None else change.find(kid)
            if key.state is not KeyState.PREPARED:
                raise StateConflict(f"{key.kid} is {key.state.value}: only a prepared key can be activated")
            wait = key.since[KeyState.PREPARED] + DISTRIBUTION - now
            if wait > timedelta() and not at_once:
                raise StateConflict(
                    f"{key.kid} may not be known everywhere yet: wait {-(-wait // _SECOND)} s, or activate it --at-once"
                    " if only this gateway verifies"
                )
            for other in change.keys:
                if other.state is KeyState.ACTIVE:
                    change.put(other.moved(KeyState.TAINTED, now))
            return change.put(key.moved(KeyState.ACTIVE, now))

    def taint(self, kid: str, now: datetime) -> RingKey:
        """Sign no more with a key, whose tokens stay good; nothing signs until another is activated.

        Raises:
            StateConflict: it never signed, or it is revoked.
            RequestInvalid: there is no such key.
        """
        with self._changing() as change:
            key = change.find(kid)
            if key.state in (KeyState.PREPARED, KeyState.REVOKED):
                raise StateConflict(f"{kid} is {key.state.value}: only a key that signs or signed can be tainted")
            return key if key.state is KeyState.TAINTED else change.put(key.moved(KeyState.TAINTED, now))

    def revoke(self, kid: str, now: datetime) -> RingKey:
        """Refuse every token of a key for ever, whatever its state, and remove its private half.

        Raises:
            RequestInvalid: there is no such key.
        """
        with self._changing() as change:
            key = change.find(kid)
            if key.state is not KeyState.REVOKED:
                key = change.put(key.moved(KeyState.REVOKED, now))
        # Not before the ring says so: a key that is gone and not revoked could not be explained.
        with _explained(self._directory / key.file):
            (self._directory / key.file).unlink(missing_ok=True)
            private_files.sync(self._directory)
        return key

    @contextmanager
    def _changing(self) -> Iterator[_Change]:
        with _explained(self._directory), private_files.locked(self._directory):
            change = _Change(self.read())
            yield change
            _write(self.path, change.keys)

    def _private_half(self, key: RingKey) -> SigningKey:
        path = self._directory / key.file
        with _explained(path):
            pem = private_files.read(path, _MAX_PEM_BYTES)
        try:
            private = SigningKey.from_pem(pem)
        except ConfigInvalid as error:
            raise ConfigInvalid(f"{path}: {error}; restore it, or revoke {key.kid}") from None
        if private.kid != key.kid:
            raise ConfigInvalid(f"{path} is another key than {key.kid}; restore it, or revoke {key.kid}")
        return private


class _Change:
    """The keys of a ring while they are being changed."""

    def __init__(self, keys: list[RingKey]) -> None:
        self.keys = keys

    def find(self, kid: str) -> RingKey:
        for key in self.keys:
            if key.kid == kid:
                return key
        where = "`chatkey key list`, with --for operators or without, shows which there are"
        raise RequestInvalid([("kid", f"there is no key {kid}; {where}")])

    def prepared(self) -> RingKey:
        for key in self.keys:
            if key.state is KeyState.PREPARED:
                return key
        raise StateConflict("no key is prepared: run `chatkey key prepare`")

    def put(self, key: RingKey) -> RingKey:
        self.keys = [key if other.kid == key.kid else other for other in self.keys]
        return key


def open_ring(data_dir: Path, name: str = CALLERS) -> KeyRing:
    """Return the ring of this name in a data directory; where there is none yet, make one.

    Its first key is the one in `issuer.pem`, made where there is none. Processes that start together end with the same
    ring.

    Raises:
        ConfigInvalid: in one line, what is wrong with the directory or its files and what to do.
    """
    directory = data_dir / name
    ring = KeyRing(directory)
    with _explained(directory):
        private_files.make_directory(directory)
        if not os.path.lexists(ring.path):
            with private_files.locked(directory):
                if not os.path.lexists(ring.path):
                    _begin(ring, directory)
    return ring


def trusted(keys: Iterable[RingKey]) -> list[VerificationKey]:
    """Return what verifies tokens, and is published: every key but the revoked ones."""
    return [
        replace(key.public, tainted=key.state is KeyState.TAINTED) for key in keys if key.state is not KeyState.REVOKED
    ]


def trusted_in(content: bytes) -> list[VerificationKey]:
    """Return the same of a ring's file; raises `ConfigInvalid` where it is damaged."""
    return trusted(_parsed(Path(RING), content))


def _begin(ring: KeyRing, directory: Path) -> None:
    if any(path.name != FIRST for path in directory.glob("*.pem")):
        raise ConfigInvalid(f"{ring.path} is missing, and with it which keys are revoked: restore it")
    path = directory / FIRST
    if not os.path.lexists(path):
        private_files.write(path, SigningKey.generate().to_pem())
    pem = private_files.read(path, _MAX_PEM_BYTES)
    try:
        private = SigningKey.from_pem(pem)
    except ConfigInvalid as error:
        raise ConfigInvalid(f"{path}: {error}; restore it, or remove it to have a new one made") from None
    made_at = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    since = {KeyState.PREPARED: made_at, KeyState.ACTIVE: made_at}
    _write(ring.path, [RingKey(public=private.verification_key, file=FIRST, state=KeyState.ACTIVE, since=since)])


def _write(path: Path, keys: Iterable[RingKey]) -> None:
    entries = [
        {
            "state": key.state.value,
            "since": {state.value: int(at.timestamp()) for state, at in key.since.items()},
            "file": key.file,
            "jwk": dict(key.public.members),
        }
        for key in keys
    ]
    private_files.write(path, json.dumps({"keys": entries}, indent=1).encode())


def _parsed(path: Path, content: bytes) -> list[RingKey]:
    try:
        entries: Any = read_object(content, _MAX_RING_BYTES)["keys"]
        return [_entry(entry) for entry in entries]
    except (JsonInvalid, LookupError, TypeError, AttributeError, ValueError, ArithmeticError, OSError, ConfigInvalid):
        raise ConfigInvalid(f"{path} is damaged, and with it which keys are revoked: restore it") from None


def _entry(entry: Any) -> RingKey:
    since = {KeyState(state): datetime.fromtimestamp(at, UTC) for state, at in entry["since"].items()}
    state = KeyState(entry["state"])
    if _FILE.fullmatch(entry["file"]) is None or state not in since:
        raise ValueError
    return RingKey(public=VerificationKey.from_jwk(entry["jwk"]), file=entry["file"], state=state, since=since)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigInvalid(f"{path} can't be read or made: {error.strerror}") from None
