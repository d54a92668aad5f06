"""Whoever touches the audit log is found out: each way of tampering, and that an untouched log is said to be so."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit import chain
from gateway.audit.proof import Verdict, verify
from gateway.audit.sealer import Sealer
from gateway.audit.signing import Signer, open_signer
from gateway.errors import AuditUnavailable, ConfigInvalid
from gateway.model import UNREADABLE, Record
from gateway.store.seals import Checkpoint
from gateway.store.sqlite import SqliteStore, open_sqlite, read_sqlite

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


class _Clock:
    """Stands still until it is moved."""

    seconds = 0.0

    def now(self) -> datetime:
        return AT + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class Log:
    """A sealed log of six records with two checkpoints, at 3 and at 6."""

    path: Path
    signer: Signer
    told: list[Checkpoint]

    async def verdict(self, *keys: bytes, **expected: dict[int, bytes]) -> Verdict:
        async with read_sqlite(self.path) as store:
            return await verify(store, store.seals, keys or [self.signer.public], **expected)

    def tamper(self, *statements: str) -> None:
        connection = apsw.Connection(str(self.path))
        for statement in statements:
            connection.execute(statement)
        connection.close()


def a_record(number: int) -> Record:
    return Record(at=AT, event="call.refused", decision="deny", reason="chat_mismatch", client=f"svc:{number}")


async def _fill(store: SqliteStore, signer: Signer, clock: _Clock, told: list[Checkpoint]) -> None:
    sealer = Sealer(store, store.seals, signer, clock, lambda: os.urandom(8).hex(), told.append)
    for first in (1, 4):
        await store.record([a_record(number) for number in range(first, first + 3)])
        await sealer.seal(checkpoint=True)


@pytest.fixture
async def log(tmp_path: Path) -> Log:
    signer, told = Signer(Ed25519PrivateKey.generate()), []
    path = tmp_path / "data" / "chatkey.db"
    async with open_sqlite(path) as store:
        await _fill(store, signer, _Clock(), told)
    return Log(path, signer, told)


async def test_an_untouched_log_verifies(log: Log) -> None:
    verdict = await log.verdict()
    assert verdict.problems == []
    assert (verdict.records, verdict.sealed, verdict.checkpoints) == (6, 6, 2)
    assert verdict.head == (6, log.told[-1].link)
    assert (await log.verdict(expected={3: log.told[0].link})).problems == []


COLUMNS = "seq, at, event, decision, reason, client, token_id, chat_id, error_id, message_id, record"


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (["UPDATE audit SET reason = 'other' WHERE seq = 2"], "record 2 or one before it was changed"),
        (["UPDATE audit SET at = at + 1000000 WHERE seq = 6"], "record 6 or one before it was changed"),
        (["UPDATE audit SET record = json_set(record, '$.address', '10.0.0.1') WHERE seq = 1"], "record 1 or one"),
        (["DELETE FROM audit WHERE seq = 3"], "record 3 is gone"),
        (["DELETE FROM audit WHERE seq IN (3, 4)"], "records 3 to 4 are gone"),
        (
            [
                "UPDATE audit SET seq = 99 WHERE seq = 2",
                "UPDATE audit SET seq = 2 WHERE seq = 5",
                "UPDATE audit SET seq = 5 WHERE seq = 99",
            ],
            "record 2 or one before it was changed",
        ),
        (["DELETE FROM audit WHERE seq > 4"], "records 5 to 6 are gone"),
        (
            [
                "DELETE FROM audit WHERE seq > 4",
                "DELETE FROM audit_links WHERE seq > 4",
                "UPDATE numbers SET record = 4",
            ],
            "checkpoint 2 says that record 6 was another",
        ),
        (["DELETE FROM audit_checkpoints WHERE number = 1"], "checkpoints before checkpoint 2 are gone"),
        (["INSERT INTO audit_links VALUES (1000, zeroblob(32))"], "there is a link of record 1000, which there is not"),
        *(
            ([f"UPDATE audit SET {change} WHERE seq = 2"], "what is kept as record 2 is none")
            for change in (
                "record = 'x'",
                "record = '[]'",
                "record = '{\"x\": 1}'",
                "record = '{\"event\": \"x\"}'",
                "record = '{\"count\": \"5\"}'",
                "record = '{\"facts\": {\"x\": [1]}}'",
                "record = '{\"facts\":' || printf('%.*c', 3000, '[') || '}'",
                "at = -99999999999999999",
            )
        ),
        (["DELETE FROM audit_links WHERE seq = 2"], "the links of records 2 to 2 are gone"),
        (["UPDATE audit_checkpoints SET at = at + 60000000"], "checkpoint 1 is not signed by a known key"),
        (["DELETE FROM audit_chain"], "the chain is gone"),
        (["UPDATE audit_chain SET name = 'another'"], "record 1 or one before it was changed"),
        (
            [f"INSERT INTO audit SELECT {COLUMNS.replace('seq', '7', 1)} FROM audit WHERE seq = 6",
             "UPDATE audit SET client = 'svc:x' WHERE seq = 6"],
            "record 6 or one before it was changed",
        ),
    ],
)  # fmt: skip
async def test_row_47_each_way_of_tampering_is_found(log: Log, statements: list[str], found: str) -> None:
    log.tamper(*statements)
    assert found in "\n".join((await log.verdict()).problems)


async def test_row_47_links_made_anew_without_the_key_are_found(log: Log) -> None:
    """Someone who edits a record and computes the whole chain anew, checkpoints included, lacks only the key."""
    log.tamper("UPDATE audit SET client = 'svc:nobody' WHERE seq = 1", "DELETE FROM audit_links")
    thief, told = Signer(Ed25519PrivateKey.generate()), []
    log.tamper("DELETE FROM audit_checkpoints")
    async with open_sqlite(log.path) as store:
        await Sealer(store, store.seals, thief, _Clock(), str, told.append).seal(checkpoint=True)
    problems = (await log.verdict()).problems
    assert problems == ["checkpoint 1 is not signed by a known key"]


async def test_row_47_an_end_that_is_cut_off_with_every_trace_is_found_by_a_checkpoint_kept_elsewhere(log: Log) -> None:
    log.tamper(
        "DELETE FROM audit WHERE seq > 3",
        "DELETE FROM audit_links WHERE seq > 3",
        "DELETE FROM audit_checkpoints WHERE number > 1",
        "UPDATE numbers SET record = 3",
    )
    assert (await log.verdict()).problems == []
    problems = (await log.verdict(expected={6: log.told[-1].link})).problems
    assert problems == ["record 6 is gone or is not the one whose link was kept elsewhere"]


async def test_row_47_records_of_another_installation_do_not_fit(log: Log, tmp_path: Path) -> None:
    other = tmp_path / "other" / "chatkey.db"
    async with open_sqlite(other) as store:
        await _fill(store, log.signer, _Clock(), [])
    log.tamper(
        f"ATTACH '{other}' AS other",
        "DELETE FROM audit_links WHERE seq > 3",
        "INSERT INTO audit_links SELECT * FROM other.audit_links WHERE seq > 3",
    )
    assert (await log.verdict()).problems == ["record 4 or one before it was changed"]


async def test_row_47_what_is_no_record_is_sealed_as_that_and_found_again(log: Log) -> None:
    async with open_sqlite(log.path) as store:
        await store.record([a_record(7)])
    log.tamper("UPDATE audit SET record = 'x' WHERE seq = 7")
    async with open_sqlite(log.path) as store:
        await Sealer(store, store.seals, log.signer, _Clock(), str).close()
        assert (await store.records(after=6))[0][1].event == UNREADABLE
    assert (await log.verdict()).problems == ["what is kept as record 7 is none"]


async def test_row_47_a_text_that_is_none_is_a_log_that_cannot_be_read(log: Log) -> None:
    log.tamper("UPDATE audit SET record = CAST(x'7bff7d' AS TEXT) WHERE seq = 2")
    with pytest.raises(AuditUnavailable, match="can't be read"):
        await log.verdict()


async def test_sealing_goes_on_where_it_ended(log: Log) -> None:
    async with open_sqlite(log.path) as store:
        sealer = Sealer(store, store.seals, log.signer, _Clock(), str)
        await store.record([a_record(7)])
        await sealer.close()
    verdict = await log.verdict()
    assert (verdict.problems, verdict.sealed, verdict.checkpoints) == ([], 7, 3)


async def test_a_thousand_records_have_a_checkpoint_of_their_own(log: Log) -> None:
    told: list[Checkpoint] = []
    async with open_sqlite(log.path) as store:
        await store.record([a_record(number) for number in range(2500)])
        await Sealer(store, store.seals, log.signer, _Clock(), str, told.append).seal(checkpoint=False)
    assert [checkpoint.seq for checkpoint in told] == [1006, 2006]
    assert (await log.verdict()).problems == []


async def test_silence_is_sealed_each_minute(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, told = _Clock(), []
    async with open_sqlite(log.path) as store:
        sealer = Sealer(store, store.seals, log.signer, clock, str, told.append)
        turns = iter(range(121))

        async def sleep(seconds: float) -> None:
            clock.seconds += seconds
            if next(turns, None) is None:
                raise EOFError

        monkeypatch.setattr("gateway.audit.sealer.asyncio.sleep", sleep)
        with pytest.raises(EOFError):
            await sealer.run()
    assert [checkpoint.at for checkpoint in told] == [AT + timedelta(minutes=minutes) for minutes in range(3)]


async def test_a_record_that_is_not_sealed_yet_is_no_problem(log: Log) -> None:
    async with open_sqlite(log.path) as store:
        await store.record([a_record(7)])
    verdict = await log.verdict()
    assert (verdict.problems, verdict.records, verdict.sealed) == ([], 7, 6)


def test_the_key_is_made_once_and_is_ours_alone(tmp_path: Path) -> None:
    signer = open_signer(tmp_path)
    path = tmp_path / "audit" / "signing.pem"
    assert open_signer(tmp_path).public == signer.public
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(ConfigInvalid, match="is open to others"):
        open_signer(tmp_path)
    path.chmod(0o600)
    path.write_text("nonsense")
    with pytest.raises(ConfigInvalid, match="is no Ed25519 key"):
        open_signer(tmp_path)


def test_a_link_depends_on_everything_it_stands_for() -> None:
    record = a_record(1)
    usual = chain.link(chain.beginning("a"), 1, record)
    others: list[Callable[[], bytes]] = [
        lambda: chain.link(chain.beginning("b"), 1, record),
        lambda: chain.link(chain.beginning("a"), 2, record),
        lambda: chain.link(chain.beginning("a"), 1, replace(record, client="svc:2")),
    ]
    assert len({usual, *(other() for other in others)}) == 4
