"""No change of the ring without a record of it, whatever fails in between."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.access.key_administration import KeyAdministration
from gateway.access.key_ring import KeyRing, KeyState, open_ring
from gateway.errors import AuditUnavailable, ConfigInvalid, RequestInvalid, StateConflict
from gateway.model import Record
from gateway.store.sqlite import read_sqlite
from tests.support.model_store import ModelStore

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Log(ModelStore):
    """Takes so many calls, then fails."""

    room = 1000

    def __init__(self) -> None:
        super().__init__()
        self.has_a_result = asyncio.Event()

    async def record(self, records: Sequence[Record]) -> None:
        self.is_failing = not self.room
        await super().record(records)
        self.room -= 1
        if len(self.log) == 2:
            self.has_a_result.set()


class Clock:
    """Goes on by ten minutes with each look."""

    at = NOW

    def now(self) -> datetime:
        self.at += timedelta(minutes=10)
        return self.at

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return open_ring(tmp_path)


@pytest.fixture
def keys(ring: KeyRing, log: Log) -> KeyAdministration:
    return KeyAdministration(ring, log, Clock(), "os:alice")


def told(log: Log) -> list[tuple[str, str, str]]:
    return [(record.event, record.decision, record.key_id) for record in log.log]


async def test_each_verb_leaves_an_intent_and_its_result(keys: KeyAdministration, ring: KeyRing, log: Log) -> None:
    old = ring.signing_key().kid
    new = (await keys.prepare()).kid
    assert (await keys.activate()).kid == new
    assert (await keys.taint(new)).state is KeyState.TAINTED
    assert (await keys.revoke(old)).state is KeyState.REVOKED
    assert told(log) == [
        ("key.change_intended", "allow", ""),
        ("key.prepared", "allow", new),
        ("key.change_intended", "allow", ""),
        ("key.activated", "allow", new),
        ("key.change_intended", "allow", new),
        ("key.tainted", "allow", new),
        ("key.change_intended", "allow", old),
        ("key.revoked", "allow", old),
    ]
    assert {record.facts["by"] for record in log.log} == {"os:alice"}
    assert [record.facts["verb"] for record in log.log[::2]] == ["prepare", "activate", "taint", "revoke"]
    assert log.log[2].facts["at_once"] is False


async def test_what_the_ring_refuses_is_on_record_with_why(keys: KeyAdministration, ring: KeyRing, log: Log) -> None:
    await keys.prepare()
    before = ring.content()
    with pytest.raises(StateConflict):
        await keys.prepare()
    with pytest.raises(RequestInvalid):
        await keys.revoke("nobody")
    assert ring.content() == before
    assert [event for event, _, _ in told(log)[2:]] == 2 * ["key.change_intended", "key.change_refused"]
    assert log.log[-1].decision == "deny"
    assert "there is no key nobody" in str(log.log[-1].facts["why"])


async def test_what_is_no_name_of_a_key_goes_nowhere(keys: KeyAdministration, log: Log) -> None:
    for name in ("", "a b", "a\n", "x" * 65):
        with pytest.raises(RequestInvalid):
            await keys.taint(name)
    assert log.log == []


async def test_a_ring_that_fails_is_on_record_as_an_error(keys: KeyAdministration, ring: KeyRing, log: Log) -> None:
    ring.path.write_bytes(b"{")
    with pytest.raises(ConfigInvalid, match="damaged"):
        await keys.prepare()
    assert told(log)[1] == ("key.change_failed", "error", "")


VERBS: list[Callable[[KeyAdministration, str], object]] = [
    lambda keys, _: keys.prepare(),
    lambda keys, _: keys.activate(),
    lambda keys, kid: keys.taint(kid),
    lambda keys, kid: keys.revoke(kid),
]


@pytest.mark.parametrize("verb", VERBS)
async def test_a_log_that_takes_no_intent_refuses_the_change(
    keys: KeyAdministration, ring: KeyRing, log: Log, verb: Callable[[KeyAdministration, str], object]
) -> None:
    kid = ring.signing_key().kid
    before = ring.content()
    log.room = 0
    with pytest.raises(AuditUnavailable, match="nothing was done"):
        await verb(keys, kid)  # type: ignore[misc]
    assert ring.content() == before
    assert ring.signing_key().kid == kid


async def test_a_log_that_takes_no_result_has_the_intent_and_says_so(
    keys: KeyAdministration, ring: KeyRing, log: Log
) -> None:
    kid = ring.signing_key().kid
    log.room = 1
    with pytest.raises(AuditUnavailable, match=f"{kid} is revoked now, and the audit log has the intent"):
        await keys.revoke(kid)
    assert told(log) == [("key.change_intended", "allow", kid)]


async def test_a_log_that_takes_no_refusal_hides_it_from_nobody(keys: KeyAdministration, log: Log) -> None:
    log.room = 1
    with pytest.raises(RequestInvalid, match="there is no key nobody"):
        await keys.revoke("nobody")
    assert told(log) == [("key.change_intended", "allow", "nobody")]


async def test_a_change_whose_caller_is_gone_has_its_result(keys: KeyAdministration, ring: KeyRing, log: Log) -> None:
    changing = asyncio.ensure_future(keys.prepare())
    await asyncio.sleep(0)
    changing.cancel()
    await asyncio.gather(changing, return_exceptions=True)
    await asyncio.wait_for(log.has_a_result.wait(), 10)
    assert told(log)[1] == ("key.prepared", "allow", ring.read()[1].kid)


async def test_a_crash_before_the_ring_changes_leaves_the_intent(tmp_path: Path) -> None:
    open_ring(tmp_path / "data")
    before = (tmp_path / "data" / "keys" / "ring.json").read_bytes()
    code = (
        "import os, sys\n"
        "sys.addaudithook(lambda event, args: os._exit(9) if event == 'os.rename'"
        " and str(args[1]).endswith('ring.json') else None)\n"
        "from gateway.cli.main import main\n"
        "main(['key', 'prepare'])\n"
    )
    environment = {"CHATKEY_DATA_DIR": str(tmp_path / "data"), "PATH": ""}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, check=False)  # noqa: ASYNC221
    assert ended.returncode == 9
    assert (tmp_path / "data" / "keys" / "ring.json").read_bytes() == before
    async with read_sqlite(tmp_path / "data" / "chatkey.db") as store:
        assert [record.event for _, record in await store.records()] == ["key.change_intended"]
