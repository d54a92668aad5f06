from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.errors import ConfigInvalid
from gateway.rpc import certificates
from gateway.rpc.certificates import Certificates, Tls
from tests.support.certificates import Certificate, certificate


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("good"))


def test_a_certificate_with_its_key_will_do(good: Certificate) -> None:
    for client_ca_file in (None, good.cert_file):
        tls = Tls(cert_file=good.cert_file, key_file=good.key_file, client_ca_file=client_ca_file)
        assert Certificates(tls).credentials()


def test_files_that_will_not_do_are_named(good: Certificate, tmp_path: Path) -> None:
    other = certificate(tmp_path)
    encrypted, text = tmp_path / "encrypted.pem", tmp_path / "text.pem"
    encrypted.write_bytes(good.encrypted_key)
    text.write_text("canary")
    missing = tmp_path / "missing.pem"
    for cert_file, key_file, client_ca_file in [
        (good.cert_file, other.key_file, None),
        (good.cert_file, encrypted, None),
        (good.cert_file, text, None),
        (text, good.key_file, None),
        (good.cert_file, missing, None),
        (good.cert_file, good.key_file, missing),
        (good.cert_file, good.key_file, text),
    ]:
        with pytest.raises(ConfigInvalid) as refused:
            Certificates(Tls(cert_file=cert_file, key_file=key_file, client_ca_file=client_ca_file))
        assert str(client_ca_file or key_file) in str(refused.value)
        assert "\n" not in str(refused.value)
        assert "canary" not in str(refused.value)


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    made = certificate(tmp_path)
    return Tls(cert_file=made.cert_file, key_file=made.key_file, client_ca_file=made.cert_file)


def events(held: Certificates) -> list[str]:
    with capture_logs() as lines:
        held.look()
    return [str(line["event"]) for line in lines]


def another(tmp_path: Path) -> tuple[bytes, bytes]:
    (tmp_path / "another").mkdir(exist_ok=True)
    made = certificate(tmp_path / "another")
    return made.cert_file.read_bytes(), made.key_file.read_bytes()


def test_what_is_new_and_sound_is_taken_and_told_once(tls: Tls, tmp_path: Path) -> None:
    held = Certificates(tls)
    news, news_at_another_door = held.news(), held.news()
    assert events(held) == []
    first = news()
    assert news() is None
    assert news_at_another_door() is first
    certificate_pem, key_pem = another(tmp_path)
    tls.key_file.write_bytes(key_pem)
    tls.cert_file.write_bytes(certificate_pem)
    assert events(held) == ["certificate.changed"]
    assert events(held) == []
    second = news()
    assert second is not None
    assert second is not first
    assert news() is None
    assert news_at_another_door() is second


@pytest.mark.parametrize("spoilt", ["key only", "half a key", "no key", "half a certificate", "no CA", "empty"])
def test_what_is_not_sound_is_told_once_and_changes_nothing(tls: Tls, tmp_path: Path, spoilt: str) -> None:
    held = Certificates(tls)
    news = held.news()
    assert news() is not None
    before = [path.read_bytes() for path in tls.files]
    certificate_pem, key_pem = another(tmp_path)
    match spoilt:
        case "key only":
            tls.key_file.write_bytes(key_pem)
        case "half a key":
            tls.key_file.write_bytes(before[0][: len(before[0]) // 2])
        case "no key":
            tls.key_file.unlink()
        case "half a certificate":
            tls.key_file.write_bytes(key_pem)
            tls.cert_file.write_bytes(certificate_pem[: len(certificate_pem) // 2])
        case "no CA":
            assert tls.client_ca_file is not None
            tls.client_ca_file.write_text("nothing")
        case "empty":
            tls.cert_file.write_bytes(b"")
    assert events(held) == ["certificate.kept"]
    assert events(held) == []
    assert news() is None
    for path, content in zip(tls.files, before, strict=True):
        path.write_bytes(content)
    assert events(held) == []
    tls.key_file.unlink()
    assert events(held) == ["certificate.kept"], "it is told again when it happens again"


def test_files_that_change_while_they_are_looked_at_are_not_taken(
    tls: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Certificates(tls)
    news = held.news()
    assert news() is not None
    certificate_pem, key_pem = another(tmp_path)
    tls.cert_file.write_bytes(certificate_pem)
    tls.key_file.write_bytes(key_pem)
    look_at = certificates._require_sound

    def look_and_be_late(files: Tls) -> None:
        look_at(files)
        files.key_file.write_bytes(b"the next one, half-written")

    monkeypatch.setattr(certificates, "_require_sound", look_and_be_late)
    assert events(held) == ["certificate.kept"]
    assert news() is None
