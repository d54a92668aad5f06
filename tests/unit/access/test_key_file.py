from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.access.key_file import issuer_key, key_from
from gateway.access.keys import SigningKey
from gateway.errors import ConfigInvalid

ROOT = Path(__file__).parents[3]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "some" / "data"


def key_path(data_dir: Path) -> Path:
    return data_dir / "keys" / "issuer.pem"


def refused(data_dir: Path) -> str:
    """The refusal: one line that says where, and nothing of a key."""
    with pytest.raises(ConfigInvalid) as caught:
        issuer_key(data_dir)
    text = str(caught.value)
    assert "\n" not in text
    assert str(data_dir / "keys") in text
    return text


def test_the_first_start_makes_a_key_and_the_next_finds_it(data_dir: Path) -> None:
    first = issuer_key(data_dir)
    assert issuer_key(data_dir).kid == first.kid
    assert key_path(data_dir).read_bytes() == first.to_pem()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_key_is_for_its_owner_only(data_dir: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        issuer_key(data_dir)
    finally:
        os.umask(before)
    path = key_path(data_dir)
    assert path.stat().st_mode & 0o7777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert data_dir.stat().st_mode & 0o777 == 0o700


def test_nothing_but_the_key_is_left_behind(data_dir: Path) -> None:
    issuer_key(data_dir)
    assert sorted(path.name for path in key_path(data_dir).parent.iterdir()) == ["issuer.pem", "ring.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644])
def test_a_key_that_others_can_touch_is_refused(data_dir: Path, mode: int) -> None:
    issuer_key(data_dir)
    key_path(data_dir).chmod(mode)
    assert "chmod 600" in refused(data_dir)


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o710, 0o755, 0o722])
def test_a_directory_that_others_can_enter_is_refused_and_no_key_made(data_dir: Path, mode: int) -> None:
    directory = key_path(data_dir).parent
    directory.mkdir(parents=True)
    directory.chmod(mode)
    assert "chmod 700" in refused(data_dir)
    assert not list(directory.iterdir())


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_in_place_of_the_key_is_refused(data_dir: Path, tmp_path: Path, exists: bool) -> None:
    elsewhere = tmp_path / "elsewhere.pem"
    if exists:
        elsewhere.touch(0o600)
        elsewhere.write_bytes(SigningKey.generate().to_pem())
    key_path(data_dir).parent.mkdir(mode=0o700, parents=True)
    key_path(data_dir).symlink_to(elsewhere)
    assert "put the file itself there" in refused(data_dir)
    assert elsewhere.exists() is exists


def test_a_link_that_takes_the_place_of_the_key_after_the_look_is_not_followed(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer_key(data_dir)
    key_path(data_dir).rename(tmp_path / "elsewhere.pem")
    key_path(data_dir).symlink_to(tmp_path / "elsewhere.pem")
    monkeypatch.setattr(Path, "is_symlink", lambda _: False)
    assert "symbolic link" in refused(data_dir)


def test_a_link_in_place_of_the_directory_is_refused(data_dir: Path, tmp_path: Path) -> None:
    issuer_key(tmp_path / "other")
    data_dir.mkdir(parents=True)
    (data_dir / "keys").symlink_to(tmp_path / "other" / "keys")
    assert "not a plain directory" in refused(data_dir)


def test_a_file_in_place_of_the_directory_is_refused(data_dir: Path) -> None:
    data_dir.mkdir(parents=True)
    (data_dir / "keys").touch()
    refused(data_dir)


def test_a_directory_or_a_pipe_in_place_of_the_key_is_refused(data_dir: Path) -> None:
    path = key_path(data_dir)
    path.parent.mkdir(mode=0o700, parents=True)
    os.mkfifo(path, 0o600)
    assert "not a plain file" in refused(data_dir)
    path.unlink()
    path.mkdir(mode=0o700)
    refused(data_dir)


@pytest.mark.parametrize("content", [b"", b"\0" * 227, b"-----BEGIN PRIVATE KEY-----\n", b"x" * 100_000], ids=len)
def test_a_damaged_key_is_refused_and_left_as_it_is(data_dir: Path, content: bytes) -> None:
    issuer_key(data_dir)
    key_path(data_dir).write_bytes(content)
    assert "restore it" in refused(data_dir)
    assert key_path(data_dir).read_bytes() == content


def test_no_more_than_16_kib_is_read(data_dir: Path) -> None:
    key = issuer_key(data_dir)
    key_path(data_dir).write_bytes(b"\n" * 1024 + key.to_pem())
    assert issuer_key(data_dir).kid == key.kid
    key_path(data_dir).write_bytes(b"\n" * 16 * 1024 + key.to_pem())
    assert "restore it" in refused(data_dir)


def test_a_new_key_is_on_the_disk_before_it_is_used(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    issuer_key(data_dir)
    assert synced == [False, True, False, True]  # the key, then the ring that names it


def test_a_key_of_another_user_is_refused(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    issuer_key(data_dir)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert "another user" in refused(data_dir)


def test_a_key_file_of_another_user_in_our_directory_is_refused(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer_key(data_dir)
    owners = iter([os.getuid(), os.getuid(), os.getuid() + 1])  # of the directory, the ring and the key
    monkeypatch.setattr(os, "geteuid", lambda: next(owners))
    assert str(key_path(data_dir)) in refused(data_dir)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_key_that_can_not_be_made_whole_is_not_made(
    data_dir: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, fail)
    assert "No space left" in refused(data_dir)
    assert not list(key_path(data_dir).parent.iterdir())


def test_processes_that_start_together_end_with_one_key(data_dir: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from gateway.access.key_file import issuer_key;"
        "print('ready', flush=True); sys.stdin.readline(); print(issuer_key(Path(sys.argv[1])).kid)"
    )
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    kids = {racer.communicate()[0].strip() for racer in racers}
    assert kids == {issuer_key(data_dir).kid}


def test_a_key_is_taken_from_any_file_and_no_ring_is_made_for_it(tmp_path: Path) -> None:
    key = SigningKey.generate()
    path = tmp_path / "offline.pem"
    path.touch(0o600)
    path.write_bytes(key.to_pem())
    assert key_from(path).kid == key.kid
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("mode", "content", "complaint"),
    [
        (None, b"", "No such file"),
        (0o644, b"", "open to others"),
        (0o600, b"nonsense", "no unencrypted private key in PEM"),
    ],
)
def test_a_key_file_that_is_no_key_for_our_eyes_only_is_refused(
    tmp_path: Path, mode: int | None, content: bytes, complaint: str
) -> None:
    path = tmp_path / "offline.pem"
    if mode is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(ConfigInvalid, match=complaint) as caught:
        key_from(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
