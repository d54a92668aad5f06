"""The keys that tokens are verified and signed with, and what keeps them up to date."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.access.issue import Issuer
from gateway.access.issuers import Trust
from gateway.access.jwk_sets import read_jwks
from gateway.access.key_ring import OPERATORS, KeyRing, open_ring, trusted_in
from gateway.access.keys import DEFAULT_ALGORITHMS, KeySet, VerificationKey
from gateway.access.operator_keys import require_apart
from gateway.clock import Clock
from gateway.config import Config
from gateway.errors import ConfigInvalid, StateConflict
from gateway.jwks.fetch import Fetcher
from gateway.jwks.file_source import FileSource
from gateway.jwks.public_file import read_public
from gateway.jwks.url_source import UrlSource
from gateway.telemetry import logger
from gateway.trust import TrustedIssuer

_log = logger(__name__)


def own_keys(keys: KeySet, config: Config, clock: Clock) -> FileSource:
    """Return what keeps the keys of our own tokens up to date: the ring, or a file where the ring is elsewhere."""
    path = config.issuer_jwks_file
    if path is not None:
        return _public(path, keys.replace, "CHATKEY_ISSUER_JWKS_FILE", clock)
    return _held(open_ring(config.data_dir), keys.replace, clock)


def operator_keys(keys: KeySet, of_callers: KeySet, config: Config, clock: Clock) -> FileSource:
    """Return what keeps the keys of operators' tokens up to date, of which none is a key of callers' tokens."""

    def accept(found: list[VerificationKey]) -> None:
        keys.replace(require_apart(found, of_callers))

    path = config.operator_jwks_file
    if path is not None:
        return _public(path, accept, "CHATKEY_OPERATOR_JWKS_FILE", clock)
    return _held(open_ring(config.data_dir, OPERATORS), accept, clock)


def _public(path: Path, accept: Callable[[list[VerificationKey]], None], setting: str, clock: Clock) -> FileSource:
    return FileSource(
        lambda: read_public(path),
        lambda data: accept(read_jwks(data, DEFAULT_ALGORITHMS)),
        name=f"{setting}: {path}",
        clock=clock,
    )


def _held(ring: KeyRing, accept: Callable[[list[VerificationKey]], None], clock: Clock) -> FileSource:
    ring.check()
    return FileSource(ring.content, lambda data: accept(trusted_in(data)), name=str(ring.path), clock=clock)


class _ActiveKey:
    """Signs with the key of the ring that is active at the moment: a rotation needs no restart."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def sign(self, claims: Mapping[str, object]) -> str:
        try:
            return self._ring.signing_key().sign(claims)
        except ConfigInvalid as error:
            # Such as after the one that signed was tainted or revoked, which is what is done when it was stolen.
            _log.error("keys.none_signs", why=str(error))
            raise StateConflict("no key of this gateway signs now: its log says why") from None


def own_issuer(config: Config, clock: Clock, random_bytes: Callable[[int], bytes]) -> Issuer | None:
    """Return what mints our own tokens; None where their keys are elsewhere."""
    if config.issuer_jwks_file:
        return None
    return Issuer(
        _ActiveKey(open_ring(config.data_dir)),
        issuer=config.issuer,
        audience=config.audience,
        clock=clock,
        random_bytes=random_bytes,
        max_ttl=config.token_max_lifetime,
    )


def trust_in(issuer: TrustedIssuer, config: Config, clock: Clock) -> tuple[Trust, FileSource | UrlSource]:
    """Return what is believed of another issuer, and what keeps its keys up to date."""
    keys = KeySet([])
    source: FileSource | UrlSource
    on_unknown_key = None

    def accept(data: bytes) -> None:
        keys.replace(read_jwks(data, issuer.algorithms))

    path = issuer.jwks_file
    if path is not None:
        name = f"the keys of {issuer.issuer} in {path}"
        source = FileSource(lambda: read_public(path), accept, name=name, clock=clock)
    else:
        fetch = Fetcher(issuer.jwks_url, ca_file=issuer.jwks_ca_file, networks=issuer.jwks_networks)
        name = f"the keys of {issuer.issuer} at {issuer.jwks_url}"
        source = UrlSource(fetch, accept, name=name, clock=clock)
        on_unknown_key = source.miss
    trust = Trust.of(
        issuer,
        keys,
        max_lifetime=config.token_max_lifetime,
        is_stale=source.is_stale,
        on_unknown_key=on_unknown_key,
    )
    return trust, source
