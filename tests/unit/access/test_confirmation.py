from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from ssl import PEM_cert_to_DER_cert

import pytest
from cryptography.hazmat.primitives import hashes

from gateway.access import confirmation
from gateway.errors import Unauthenticated
from tests.support.certificates import certificate
from tests.unit.access import forge

CALLER = forge.verifier().verify(forge.token())


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    def one(name: str) -> bytes:
        directory: Path = tmp_path_factory.mktemp(name)
        return certificate(directory).cert_file.read_bytes()

    return one("own"), one("other")


def refused(thumbprint: str, pem: bytes | None) -> bool:
    try:
        confirmation.require(replace(CALLER, certificate_thumbprint=thumbprint), lambda: pem)
    except Unauthenticated:
        return True
    return False


def test_a_thumbprint_is_the_digest_of_the_whole_certificate(pems: tuple[bytes, bytes]) -> None:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(PEM_cert_to_DER_cert(pems[0].decode()))
    thumbprint = confirmation.thumbprint_of(pems[0])
    assert thumbprint == forge.b64(digest.finalize())
    assert confirmation.thumbprint_from({"x5t#S256": thumbprint}) == thumbprint
    assert confirmation.thumbprint_of(pems[1]) != thumbprint


@pytest.mark.parametrize("junk", [b"", b"x", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_has_no_thumbprint(junk: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text is the library's
        confirmation.thumbprint_of(junk)


def test_row_31_a_bound_token_works_with_its_certificate_alone(pems: tuple[bytes, bytes]) -> None:
    own, other = pems
    thumbprint = confirmation.thumbprint_of(own)
    assert not refused(thumbprint, own)
    for wrong in (other, None, b"", b"x", own[:-40], own.replace(b"CERTIFICATE", b"PUBLIC KEY")):
        assert refused(thumbprint, wrong)


def test_row_31_a_wrong_certificate_is_an_invalid_token(pems: tuple[bytes, bytes]) -> None:
    bound = replace(CALLER, certificate_thumbprint=confirmation.thumbprint_of(pems[0]))
    with pytest.raises(Unauthenticated) as caught:
        confirmation.require(bound, lambda: pems[1])
    assert (caught.value.cause, caught.value.record, str(caught.value)) == (
        "certificate_mismatch",
        {},
        "unauthenticated",
    )


def test_a_token_that_is_not_bound_costs_no_look_at_the_certificate() -> None:
    asked: list[bytes | None] = []
    confirmation.require(CALLER, lambda: asked.append(None))
    assert not asked
