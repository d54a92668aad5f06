"""The life of the built-in issuer's keys, and that a ring on disk can be relied on."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.access.key_advice import advice
from gateway.access.key_file import issuer_key
from gateway.access.key_ring import KeyRing, KeyState, open_ring, trusted, trusted_in
from gateway.access.keys import SigningKey
from gateway.errors import ConfigInvalid, RequestInvalid, StateConflict

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
DAY = timedelta(days=1)


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return open_ring(tmp_path)


def states(ring: KeyRing) -> list[str]:
    return [key.state.value for key in ring.read()]


def kids(ring: KeyRing) -> list[str]:
    return [key.kid for key in ring.read()]


def test_a_rotation(ring: KeyRing, tmp_path: Path) -> None:
    old = ring.signing_key().kid
    new = ring.prepare(NOW).kid
    assert states(ring) == ["active", "prepared"]
    assert ring.signing_key().kid == old
    assert ring.activate(None, LATER).kid == new
    assert states(ring) == ["tainted", "active"]
    assert ring.signing_key().kid == new
    assert [(key.kid, key.tainted) for key in trusted(ring.read())] == [(old, True), (new, False)]
    ring.revoke(old, LATER)
    assert states(ring) == ["revoked", "active"]
    assert [key.kid for key in trusted(ring.read())] == [new]
    assert kids(open_ring(tmp_path)) == [old, new]
    assert ring.read()[1].since == {KeyState.PREPARED: NOW, KeyState.ACTIVE: LATER}


def test_the_file_alone_says_what_is_trusted(ring: KeyRing) -> None:
    ring.prepare(NOW)
    from_file = trusted_in(ring.content())
    assert [(key.kid, key.members) for key in from_file] == [(key.kid, key.members) for key in trusted(ring.read())]
    assert b"PRIVATE" not in ring.content()


def test_the_key_of_before_there_were_rings_is_the_first_active_one(tmp_path: Path) -> None:
    key = SigningKey.generate()
    path = tmp_path / "keys" / "issuer.pem"
    path.parent.mkdir(mode=0o700)
    path.touch(0o600)
    path.write_bytes(key.to_pem())
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    assert issuer_key(tmp_path).kid == key.kid
    (entry,) = open_ring(tmp_path).read()
    assert (entry.kid, entry.state, entry.since[KeyState.ACTIVE]) == (key.kid, KeyState.ACTIVE, NOW)


def test_each_private_half_is_a_file_of_its_own_for_its_owner_only(ring: KeyRing) -> None:
    new = ring.prepare(NOW)
    files = {path.name: path.stat().st_mode & 0o777 for path in ring.path.parent.iterdir()}
    assert files == {"issuer.pem": 0o600, f"{new.kid}.pem": 0o600, "ring.json": 0o600}
    ring.revoke(new.kid, NOW)
    assert sorted(path.name for path in ring.path.parent.iterdir()) == ["issuer.pem", "ring.json"]


def test_a_damaged_key_of_before_there_were_rings_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "issuer.pem"
    path.parent.mkdir(mode=0o700)
    path.touch(0o600)
    path.write_bytes(b"nonsense")
    with pytest.raises(ConfigInvalid, match="restore it, or remove it to have a new one made"):
        open_ring(tmp_path)
    assert [(found.name, found.read_bytes()) for found in path.parent.iterdir()] == [("issuer.pem", b"nonsense")]


def test_the_ring_of_a_process_that_was_first_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flock = fcntl.flock
    firsts: list[str] = []

    def overtaken(descriptor: int, operation: int) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(fcntl, "flock", flock)
            firsts.append(issuer_key(tmp_path).kid)
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", overtaken)
    assert [issuer_key(tmp_path).kid] == firsts


# --- what a key can not become


def test_one_key_is_prepared_at_a_time(ring: KeyRing) -> None:
    ring.prepare(NOW)
    with pytest.raises(StateConflict, match="prepared already"):
        ring.prepare(NOW)
    assert states(ring) == ["active", "prepared"]


def test_a_key_is_not_activated_before_others_can_know_it(ring: KeyRing) -> None:
    ring.prepare(NOW)
    with pytest.raises(StateConflict, match="wait 1 s"):
        ring.activate(None, LATER - timedelta(milliseconds=1))
    with pytest.raises(StateConflict, match="wait 300 s"):
        ring.activate(None, NOW)
    assert states(ring) == ["active", "prepared"]
    ring.activate(None, NOW, at_once=True)
    assert states(ring) == ["tainted", "active"]


def test_only_a_prepared_key_is_activated(ring: KeyRing) -> None:
    with pytest.raises(StateConflict, match="no key is prepared"):
        ring.activate(None, NOW)
    first = ring.signing_key().kid
    with pytest.raises(StateConflict, match="is active"):
        ring.activate(first, NOW)
    second = ring.prepare(NOW).kid
    ring.activate(second, LATER)
    with pytest.raises(StateConflict, match="is tainted"):
        ring.activate(first, LATER)
    ring.revoke(first, LATER)
    with pytest.raises(StateConflict, match="is revoked"):
        ring.activate(first, LATER)


def test_a_key_that_never_signed_or_never_will_is_not_tainted(ring: KeyRing) -> None:
    kid = ring.prepare(NOW).kid
    with pytest.raises(StateConflict, match="is prepared"):
        ring.taint(kid, NOW)
    ring.revoke(kid, NOW)
    with pytest.raises(StateConflict, match="is revoked"):
        ring.taint(kid, NOW)


def test_tainting_and_revoking_twice_is_as_once(ring: KeyRing) -> None:
    kid = ring.signing_key().kid
    for verb, state in ((ring.taint, KeyState.TAINTED), (ring.revoke, KeyState.REVOKED)):
        assert verb(kid, NOW).state is state
        again = verb(kid, LATER)
        assert (again.state, again.since[state]) == (state, NOW)


def test_without_an_active_key_nothing_signs_and_the_others_stay(ring: KeyRing, tmp_path: Path) -> None:
    kid = ring.signing_key().kid
    ring.taint(kid, NOW)
    with pytest.raises(ConfigInvalid, match="no key signs"):
        issuer_key(tmp_path)
    assert [key.kid for key in trusted(ring.read())] == [kid]
    new = ring.prepare(NOW).kid
    ring.activate(new, LATER)
    assert issuer_key(tmp_path).kid == new


def test_the_only_key_can_be_revoked_and_none_is_made_in_its_place(ring: KeyRing, tmp_path: Path) -> None:
    ring.revoke(ring.signing_key().kid, NOW)
    assert trusted(open_ring(tmp_path).read()) == []
    with pytest.raises(ConfigInvalid, match="no key signs"):
        issuer_key(tmp_path)


@pytest.mark.parametrize("verb", ["activate", "taint", "revoke"])
def test_a_key_that_is_not_there_is_not_changed(ring: KeyRing, verb: str) -> None:
    with pytest.raises(RequestInvalid, match="no key nobody"):
        getattr(ring, verb)("nobody", NOW)


# --- the disk


def test_a_host_that_verifies_needs_no_private_half(ring: KeyRing, tmp_path: Path) -> None:
    (tmp_path / "keys" / "issuer.pem").unlink()
    open_ring(tmp_path).check()
    assert len(trusted(ring.read())) == 1
    with pytest.raises(ConfigInvalid, match="No such file"):
        issuer_key(tmp_path)


@pytest.mark.parametrize(
    ("content", "mode", "complaint"),
    [
        (None, 0o644, "open to others"),
        (b"nonsense", 0o600, "restore it, or revoke"),
        (SigningKey.generate().to_pem(), 0o600, "is another key"),
    ],
)
def test_a_private_half_that_is_not_sound_is_told(
    ring: KeyRing, tmp_path: Path, content: bytes | None, mode: int, complaint: str
) -> None:
    path = tmp_path / "keys" / "issuer.pem"
    if content is not None:
        path.write_bytes(content)
    path.chmod(mode)
    for look in (ring.check, ring.signing_key):
        with pytest.raises(ConfigInvalid, match=complaint) as caught:
            look()
        assert "\n" not in str(caught.value)


def changed(ring: KeyRing, **changes: object) -> bytes:
    (entry,) = json.loads(ring.content())["keys"]
    return json.dumps({"keys": [{**entry, **changes}]}).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "open"},
        {"state": ["active"]},
        {"state": "tainted"},
        {"since": {}},
        {"since": {"active": "now"}},
        {"since": {"active": 10**17}},
        {"since": {"active": 10**19}},
        {"since": []},
        {"file": "../../etc/passwd"},
        {"file": "x/y.pem"},
        {"file": None},
        {"jwk": {}},
        {"jwk": None},
    ],
)
def test_a_ring_that_is_damaged_is_refused_and_left_as_it_is(ring: KeyRing, changes: dict[str, object]) -> None:
    content = changed(ring, **changes)
    ring.path.write_bytes(content)
    for look in (ring.read, ring.check, lambda: trusted_in(content), lambda: ring.prepare(NOW)):
        with pytest.raises(ConfigInvalid, match=r"ring\.json is damaged"):
            look()
    assert ring.path.read_bytes() == content
    assert len(list(ring.path.parent.glob("*.pem"))) == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"keys":1}', b'{"keys":[1]}', b'{"keys":null}'])
def test_what_is_no_ring_is_refused(ring: KeyRing, content: bytes) -> None:
    ring.path.write_bytes(content)
    with pytest.raises(ConfigInvalid, match="restore it"):
        ring.read()


def test_a_ring_that_others_can_write_is_refused(ring: KeyRing) -> None:
    ring.path.chmod(0o660)
    with pytest.raises(ConfigInvalid, match="open to others"):
        ring.read()


def test_a_lost_ring_is_not_begun_anew_while_it_may_have_revoked_something(ring: KeyRing, tmp_path: Path) -> None:
    ring.prepare(NOW)
    ring.path.unlink()
    with pytest.raises(ConfigInvalid, match=r"ring\.json is missing"):
        open_ring(tmp_path)


@pytest.mark.parametrize("verb", ["prepare", "revoke"])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_change_that_can_not_be_written_is_not_made(
    ring: KeyRing, verb: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ring.content()
    kid = ring.signing_key().kid

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(ConfigInvalid, match="No space left"):
            ring.prepare(NOW) if verb == "prepare" else ring.revoke(kid, NOW)
    assert ring.content() == before
    assert ring.signing_key().kid == kid
    assert not list(ring.path.parent.glob(".new-*"))


def test_a_crash_between_the_key_and_the_ring_does_no_harm(ring: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def crash(source: object, target: object) -> None:
        if str(target).endswith("ring.json"):
            raise KeyboardInterrupt
        replace(source, target)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            ring.prepare(NOW)
    assert states(ring) == ["active"]
    ring.prepare(NOW)
    assert states(ring) == ["active", "prepared"]


def test_changes_made_at_the_same_time_are_all_made(ring: KeyRing, tmp_path: Path) -> None:
    # Each of the racers prepares a key and revokes it: what another one prepared meanwhile makes it try again.
    program = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path\n"
        "from gateway.access.key_ring import open_ring\n"
        "from gateway.errors import StateConflict\n"
        "ring = open_ring(Path(sys.argv[1])); now = datetime.now(UTC); made = 0\n"
        "while made < 5:\n"
        "    try: ring.revoke(ring.prepare(now).kid, now); made += 1\n"
        "    except StateConflict: pass\n"
    )
    racers = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT) for _ in range(3)]
    assert [racer.wait() for racer in racers] == [0, 0, 0]
    assert states(ring) == ["active"] + 15 * ["revoked"]
    assert len(set(kids(ring))) == 16


# --- advice


def test_a_key_is_advised_about_in_time(ring: KeyRing) -> None:
    first = ring.signing_key().kid
    began = ring.read()[0].since[KeyState.ACTIVE]

    def advised(after: timedelta) -> dict[str, str]:
        return dict(advice(ring.read(), began + after, DAY))

    assert advised(timedelta(days=59)) == {}
    assert advised(timedelta(days=60)) == {first: "prepare a successor"}
    second = ring.prepare(began + timedelta(days=60)).kid
    published = began + timedelta(days=60, minutes=5)
    assert advised(timedelta(days=60)) == {second: f"activate it after {published:%Y-%m-%d %H:%M:%S} UTC"}
    assert advised(timedelta(days=60, minutes=5)) == {}
    assert advised(timedelta(days=83)) == {second: "activate it"}
    ring.activate(second, began + timedelta(days=83))
    over = began + timedelta(days=84, minutes=1)
    assert advised(timedelta(days=83)) == {first: f"revoke it after {over:%Y-%m-%d %H:%M:%S} UTC"}
    assert advised(timedelta(days=84, minutes=1)) == {first: "revoke it: its last token is over"}
    ring.revoke(first, over)
    assert advised(timedelta(days=85)) == {}


def test_where_nothing_signs_the_prepared_key_is_to_be_activated(ring: KeyRing) -> None:
    ring.revoke(ring.signing_key().kid, NOW)
    kid = ring.prepare(NOW).kid
    assert advice(ring.read(), LATER, DAY) == {kid: "activate it"}
