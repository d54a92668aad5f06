"""The log moves into files and stays one chain: nothing is lost or doubled, and whoever touches it is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.audit import archive, rotation
from gateway.audit.lines import from_json_line, to_json_line
from gateway.audit.proof import verify
from gateway.audit.rotation import Rotation
from gateway.audit.search import everything
from gateway.errors import AuditUnavailable, StateConflict
from gateway.model import Record
from gateway.store.base import AuditReader
from gateway.store.sqlite import open_sqlite, read_sqlite
from tests.support.audit_log import AT, MINUTE, Clock, Log, a_log, a_record


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "RECORDS", 3)


@pytest.fixture
async def log(tmp_path: Path) -> Log:
    return await a_log(tmp_path / "data")


@pytest.fixture
async def archived(log: Log) -> Log:
    """The first nine records are in three files, and three in the database."""
    assert len(await log.rotate(AT + 4 * MINUTE)) == 3
    return log


# Moving.


async def test_what_is_old_is_in_files_for_our_eyes_only_and_the_rest_in_the_database(archived: Log) -> None:
    assert [path.name for path in archived.files] == [f"checkpoint-{number:012}.jsonl" for number in (1, 2, 3)]
    assert {path.stat().st_mode & 0o777 for path in archived.files} == {0o600}
    assert archived.folder.stat().st_mode & 0o777 == 0o700
    async with read_sqlite(archived.path) as store:
        assert [seq for seq, _ in await store.records()] == [10, 11, 12]
    verdict = await archived.verdict()
    assert verdict.problems == []
    assert (verdict.records, verdict.archived, verdict.sealed, verdict.checkpoints) == (12, 9, 12, 4)
    assert await archived.all() == list(range(1, 13))


async def test_a_file_says_where_the_chain_was_and_ends_with_a_signed_checkpoint(archived: Log) -> None:
    _, second, _ = archived.files
    lines = [json.loads(line) for line in second.read_text().splitlines()]
    async with read_sqlite(archived.path) as store:
        assert lines[0]["chain"] == await store.seals.chain()
    assert (lines[0]["seq"], lines[0]["checkpoint"]) == (3, 1)
    assert lines[0]["link"] == json.loads(archived.files[0].read_text().splitlines()[-1])["link"]
    assert [line["seq"] for line in lines[1:4]] == [4, 5, 6]
    assert (lines[4]["checkpoint"], lines[4]["seq"], len(lines[4]["signature"])) == (2, 6, 128)


async def test_the_same_log_has_the_same_head_before_and_after(log: Log) -> None:
    before = await log.verdict()
    await log.rotate(AT + timedelta(days=1))
    after = await log.verdict()
    assert after.problems == []
    assert (after.head, after.records, after.sealed, after.checkpoints) == (before.head, 12, 12, 4)
    assert after.archived == 12


async def test_the_chain_goes_on_after_all_of_it_was_moved(log: Log) -> None:
    await log.rotate(AT + timedelta(days=1))
    await log.append(2)
    assert [path.name[-8:-6] for path in await log.rotate(AT + timedelta(days=1))] == ["05"]
    await log.append(1)
    verdict = await log.verdict()
    assert (verdict.problems, verdict.records, verdict.archived) == ([], 15, 14)
    assert await log.all() == list(range(1, 16))


async def test_nothing_moves_that_is_too_young_or_not_sealed(log: Log) -> None:
    assert await log.rotate(AT + MINUTE) == []
    async with open_sqlite(log.path) as store:
        await store.record([a_record(13)])
    await log.rotate(AT + timedelta(days=1))
    async with read_sqlite(log.path) as store:
        assert [seq for seq, _ in await store.records()] == [13]
    assert await log.rotate(AT + timedelta(days=1)) == []


async def test_a_log_without_a_chain_is_left_alone(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "chatkey.db") as store:
        await store.record([a_record(1)])
        assert await Rotation(store, store.seals, tmp_path / "archive", Clock()).rotate(AT) == []
    assert not (tmp_path / "archive").exists()


async def test_silence_is_moved_too(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "CHECKPOINTS", 2)
    for minutes in range(5, 9):
        await log.append(0, AT + minutes * MINUTE)
    await log.rotate(AT + timedelta(days=1))
    assert [int(path.name[11:-6]) for path in log.files] == [1, 2, 3, 5, 7, 8]
    verdict = await log.verdict()
    assert (verdict.problems, verdict.records, verdict.checkpoints) == ([], 12, 8)


async def test_two_at_once_do_it_once(log: Log) -> None:
    async with open_sqlite(log.path) as store:
        held = archive.directory(log.data)
        held.mkdir(mode=0o700)
        with rotation.private_files.locked(held), pytest.raises(StateConflict, match="being archived already"):
            await Rotation(store, store.seals, log.folder, Clock()).rotate(AT + MINUTE)
    assert (await log.verdict()).archived == 0


async def test_a_folder_that_cannot_be_made_keeps_the_log_where_it_is(log: Log) -> None:
    log.folder.write_text("in the way")
    with pytest.raises(AuditUnavailable, match="can't be made or read"):
        await log.rotate(AT + timedelta(days=1))
    log.folder.unlink()
    assert (await log.verdict()).records == 12


async def test_a_folder_that_is_open_to_others_is_told_and_stops_nothing(log: Log) -> None:
    log.folder.mkdir(parents=True)
    log.folder.chmod(0o755)
    with pytest.raises(AuditUnavailable, match="is open to others"):
        await log.rotate(AT + 4 * MINUTE)
    log.folder.rmdir()
    log.folder.symlink_to(log.data)
    with pytest.raises(AuditUnavailable, match="is not a plain directory"):
        await log.rotate(AT + 4 * MINUTE)
    assert (await log.verdict()).problems == []


async def test_whole_days_are_moved_and_a_conflict_is_told(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    clock = Clock()
    clock.at = AT + timedelta(days=3)
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock.at += timedelta(hours=13)
        if len(waits) == 3:
            raise EOFError

    monkeypatch.setattr("gateway.audit.rotation.asyncio.sleep", sleep)
    async with open_sqlite(log.path) as store:
        with pytest.raises(EOFError):
            await Rotation(store, store.seals, log.folder, clock).run(timedelta(days=3), told.append)
        # The first turn was on the third day at noon, with nothing from before the day; the second was a day later.
        assert len(log.files) == 4
        log.tamper("UPDATE audit_archived SET checkpoint = 99")
        waits.clear()
        with pytest.raises(EOFError):
            await Rotation(store, store.seals, log.folder, clock).run(timedelta(days=3), told.append)
    assert len(told) == 3
    assert "checkpoint 99 is gone" in told[0]


# A crash.


@pytest.mark.parametrize("event", ["tempfile.mkstemp", "os.rename", "after os.rename"])
async def test_a_crash_loses_nothing_and_doubles_nothing(log: Log, event: str) -> None:
    code = (
        "import os, sys\n"
        "from gateway.cli.main import main\n"
        "wanted, is_near = sys.argv[1], False\n"
        "def hook(event, args):\n"
        "    global is_near\n"
        "    if is_near or (event == wanted and '/data/audit/archive/' in str(args)):\n"
        "        os._exit(9)\n"
        "    is_near = 'after ' + event == wanted and '/data/audit/archive/' in str(args)\n"
        "sys.addaudithook(hook)\n"
        "main(['audit', 'rotate', '--all'])\n"
    )
    environment = {"CHATKEY_DATA_DIR": str(log.data), "PATH": ""}
    ended = subprocess.run([sys.executable, "-c", code, event], env=environment, cwd=log.data, check=False)  # noqa: ASYNC221
    assert ended.returncode == 9
    assert len(log.files) == (event == "after os.rename")
    verdict = await log.verdict()
    assert (verdict.problems, verdict.records, verdict.archived) == ([], 12, 0)
    assert await log.all() == list(range(1, 13))
    made = await log.rotate(AT + timedelta(days=1))
    assert made == log.files
    assert {path.name[:10] for path in log.folder.iterdir()} == {"checkpoint"}
    verdict = await log.verdict()
    assert (verdict.problems, verdict.records, verdict.archived) == ([], 12, 12)


async def test_a_file_from_before_a_crash_that_was_changed_meanwhile_is_not_taken(archived: Log) -> None:
    # The database as it was before the third file was moved, as after a crash.
    third = archived.files[2].read_bytes()
    other = await a_log(archived.data.parent / "other")
    await other.rotate(AT + timedelta(days=1))
    await archived.append(3)
    path = archive.path_of(archived.folder, 5)
    path.write_bytes(third)
    with pytest.raises(StateConflict, match="is not what the database has"):
        await archived.rotate(AT + timedelta(days=1))
    assert "does not end with" in "\n".join((await archived.verdict()).problems)


async def test_files_that_go_further_than_a_restored_database_are_not_touched(log: Log, tmp_path: Path) -> None:
    copy = log.path.read_bytes()
    await log.append(3)
    await log.rotate(AT + timedelta(days=1))
    before = {path: path.read_bytes() for path in log.files}
    log.path.write_bytes(copy)
    for left in log.data.glob("chatkey.db-*"):
        left.unlink()
    with pytest.raises(StateConflict, match="an older copy"):
        await log.rotate(AT + timedelta(days=1))
    assert {path: path.read_bytes() for path in log.files} == before
    assert any("otherwise or not at all" in problem for problem in (await log.verdict()).problems)


# Tampering.


def edit(number: int, change: Callable[[list[str]], list[str]]) -> Callable[[Log], None]:
    """Change the lines of a file."""

    def tamper(log: Log) -> None:
        path = archive.path_of(log.folder, number)
        path.write_text("".join(f"{line}\n" for line in change(path.read_text().splitlines())))

    return tamper


def swap_files(log: Log) -> None:
    first, second, _ = log.files
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)


def put_a_folder(log: Log) -> None:
    path = log.files[1]
    path.unlink()
    path.mkdir()


def put_a_pipe(log: Log) -> None:
    path = log.files[1]
    path.unlink()
    os.mkfifo(path)


def put_an_endless_file(log: Log) -> None:
    os.truncate(log.files[1], archive.MAX_BYTES + 1)


def before_the_first_year(line: str) -> str:
    return line.replace(AT.isoformat()[:10], "0001-01-01").replace("Z", "+14:00")


def later(record: str) -> str:
    return record.replace("T12:00:00.000Z", "T12:00:00.001Z")


TAMPERING: dict[str, tuple[Callable[[Log], object], str]] = {
    "edit": (edit(2, lambda lines: [*lines[:2], lines[2].replace("svc:5", "svc:x"), *lines[3:]]), "were others"),
    "edit an instant": (edit(1, lambda lines: [lines[0], later(lines[1]), *lines[2:]]), "were others"),
    "delete a record": (edit(2, lambda lines: [*lines[:2], *lines[3:]]), "record 6 in the place of record 5"),
    "delete the first record": (edit(2, lambda lines: [lines[0], *lines[2:]]), "record 5 in the place of record 4"),
    "insert": (edit(2, lambda lines: [*lines[:3], lines[2], *lines[3:]]), "record 5 in the place of record 6"),
    "reorder": (edit(2, lambda lines: [lines[0], lines[2], lines[1], *lines[3:]]), "record 5 in the place of record 4"),
    "cut off the checkpoint": (edit(3, lambda lines: lines[:-1]), "does not end with the checkpoint"),
    "cut off records": (edit(3, lambda lines: [*lines[:2], lines[-1]]), "were others"),
    "cut off all": (edit(3, lambda lines: lines[:1]), "does not end with the checkpoint"),
    "empty": (edit(3, lambda lines: []), "is damaged in line 1"),
    "cut off a line end": (
        lambda log: os.truncate(log.files[1], log.files[1].stat().st_size - 1),
        "is cut off in line 5",
    ),
    "no JSON": (edit(2, lambda lines: [*lines[:3], "{", *lines[4:]]), "is damaged in line 4"),
    "no UTF-8": (lambda log: log.files[1].write_bytes(b"\xff\n"), "is damaged"),
    "another version": (edit(2, lambda lines: [lines[0].replace('"archive":1', '"archive":2'), *lines[1:]]), "line 1"),
    "a number that is none": (edit(2, lambda lines: [lines[0].replace('"seq":3', '"seq":3.0'), *lines[1:]]), "line 1"),
    "another beginning": (edit(2, lambda lines: [lines[0].replace('"seq":3', '"seq":2'), *lines[1:]]), "not go on"),
    "the first file is missing": (lambda log: log.files[0].unlink(), "from checkpoint 1 to 1"),
    "one in the middle is missing": (lambda log: log.files[1].unlink(), "from checkpoint 2 to 2"),
    "the last file is missing": (lambda log: log.files[2].unlink(), "what the database has, from checkpoint 3 to 3"),
    "all files are missing": (lambda log: [path.unlink() for path in log.files], "from checkpoint 1 to 3"),
    "a folder": (put_a_folder, "can't be read"),
    "a pipe": (put_a_pipe, "can't be read"),
    "a file without an end": (put_an_endless_file, "is longer than any archive file"),
    "nesting without an end": (edit(2, lambda lines: [lines[0], "[" * 100_000, *lines[2:]]), "is damaged in line 2"),
    "an instant that no calendar has": (
        edit(2, lambda lines: [*lines[:-1], before_the_first_year(lines[-1])]),
        "is damaged in line 5",
    ),
    "an instant without a zone": (edit(2, lambda lines: [*lines[:-1], lines[-1].replace("Z", "")]), "in line 5"),
    "a name that is no text": (
        edit(2, lambda lines: [*lines[:-1], lines[-1].replace('"key_id":"', '"key_id":"\\ud800')]),
        "is damaged in line 5",
    ),
    "swap": (swap_files, "does not go on where the archive before it ends"),
    "the checkpoint that joins them": (
        lambda log: log.tamper("DELETE FROM audit_checkpoints WHERE number = 3"),
        "checkpoint 3 is gone",
    ),
    "said to be archived earlier": (
        lambda log: log.tamper("UPDATE audit_archived SET checkpoint = 2"),
        "checkpoint 2 is gone",
    ),
    "said to be not archived": (lambda log: log.tamper("UPDATE audit_archived SET checkpoint = 0"), "1 to 9 are"),
    "the joint says something else": (
        lambda log: log.tamper("UPDATE audit_checkpoints SET seq = 8 WHERE number = 3"),
        "checkpoint 3 is not signed by a known key",
    ),
    "a record behind the joint": (lambda log: log.tamper("DELETE FROM audit WHERE seq = 10"), "record 10 is gone"),
    "the chain's name": (lambda log: log.tamper("DELETE FROM audit_chain"), "the chain is gone"),
}  # fmt: skip


@pytest.mark.parametrize("how", TAMPERING)
async def test_row_47_each_way_of_tampering_with_files_is_found(archived: Log, how: str) -> None:
    tamper, found = TAMPERING[how]
    tamper(archived)
    assert found in "\n".join((await archived.verdict()).problems)


async def test_row_47_files_of_another_installation_do_not_fit(archived: Log, tmp_path: Path) -> None:
    other = await a_log(tmp_path / "other")
    await other.rotate(AT + 4 * MINUTE)
    archived.files[1].write_bytes(other.files[1].read_bytes())
    problems = (await archived.verdict()).problems
    assert "checkpoint-000000000002.jsonl is of another log" in problems
    # Nor do they when they say that they are of this one.
    chain = json.loads(archived.files[0].read_text().splitlines()[0])["chain"]
    head = json.loads(other.files[1].read_text().splitlines()[0])
    archived.files[1].write_text(other.files[1].read_text().replace(f'"chain":"{head["chain"]}"', f'"chain":"{chain}"'))
    problems = (await archived.verdict()).problems
    assert any("does not go on" in problem for problem in problems)
    assert any("is not signed by a known key" in problem for problem in problems)


async def test_row_47_files_made_anew_without_the_key_are_found(archived: Log, tmp_path: Path) -> None:
    """Someone who makes the whole log anew, with the chain's name, lacks only the key."""
    async with read_sqlite(archived.path) as store:
        name = await store.seals.chain()
    thief = await a_log(tmp_path / "thief")
    thief.tamper(f"UPDATE audit_chain SET name = '{name}'", "DELETE FROM audit_links", "DELETE FROM audit_checkpoints")
    await thief.append(0, AT)
    await thief.rotate(AT + 4 * MINUTE)
    thief.signer = archived.signer
    problems = (await thief.verdict()).problems
    assert any("is not signed by a known key" in problem for problem in problems)


async def test_a_log_that_was_changed_is_not_archived_and_stays_as_evidence(log: Log) -> None:
    log.tamper("UPDATE audit SET client = 'svc:x' WHERE seq = 5")
    with pytest.raises(StateConflict, match="was changed before checkpoint 2"):
        await log.rotate(AT + timedelta(days=1))
    assert len(log.files) == 1
    async with read_sqlite(log.path) as store:
        assert [seq for seq, _ in await store.records()] == list(range(4, 13))
    log.tamper("DELETE FROM audit WHERE seq > 8")
    with pytest.raises(StateConflict, match="was changed before checkpoint 2"):
        await log.rotate(AT + timedelta(days=1))


async def test_an_end_that_is_cut_off_with_every_trace_is_found_by_a_link_kept_elsewhere(archived: Log) -> None:
    kept = (await archived.verdict()).head
    assert (await archived.verdict(expected=dict([kept]))).problems == []
    # Back to where the second file ends: as if nothing had come after.
    second = json.loads(archived.files[1].read_text().splitlines()[-1])
    archived.files[2].unlink()
    archived.tamper(
        "DELETE FROM audit", "DELETE FROM audit_links", "DELETE FROM audit_checkpoints WHERE number = 4",
        f"UPDATE audit_checkpoints SET number = 2, at = (SELECT at - 60000000), seq = 6, link = x'{second['link']}', "
        f"signature = x'{second['signature']}'",
        "UPDATE audit_archived SET checkpoint = 2", "UPDATE numbers SET record = 6",
    )  # fmt: skip
    assert (await archived.verdict()).problems == []
    problems = (await archived.verdict(expected=dict([kept]))).problems
    assert problems == ["record 12 is gone or is not the one whose link was kept elsewhere"]


# Files elsewhere.


async def test_files_that_are_not_kept_any_more_are_missed_unless_their_link_was_kept(archived: Log) -> None:
    end = json.loads(archived.files[0].read_text().splitlines()[-1])
    expected = {end["seq"]: bytes.fromhex(end["link"])}
    last = json.loads(archived.files[2].read_text().splitlines()[-1])
    archived.files[0].unlink()
    assert (await archived.verdict(expected=expected)).problems == []
    assert (await archived.verdict()).problems == [
        "no archive file has what is before checkpoint-000000000002.jsonl, from checkpoint 1 to 1"
    ]
    for path in archived.files:
        path.unlink()
    assert (await archived.verdict(expected={last["seq"]: bytes.fromhex(last["link"])})).problems == []


async def test_the_database_alone_can_be_looked_at(archived: Log) -> None:
    for path in archived.files:
        path.unlink()
    verdict = await archived.verdict(without=True)
    assert (verdict.problems, verdict.records, verdict.sealed, verdict.checkpoints) == ([], 3, 3, 2)
    archived.tamper("UPDATE audit_checkpoints SET link = zeroblob(32) WHERE number = 3")
    assert (await archived.verdict(without=True)).problems != []


async def test_a_link_in_a_file_can_be_the_one_that_was_kept(archived: Log) -> None:
    end = json.loads(archived.files[1].read_text().splitlines()[-1])
    assert (await archived.verdict(expected={6: bytes.fromhex(end["link"])})).problems == []
    assert (await archived.verdict(expected={6: bytes(32)})).problems != []
    assert (await archived.verdict(expected={5: bytes(32)})).problems != []


class Meanwhile:
    """A log in which something happens just before it is first read."""

    def __init__(self, store: AuditReader, happens: Callable[[], Any]) -> None:
        self._store = store
        self._happens: Callable[[], Any] | None = happens

    async def records(self, **asked: Any) -> Sequence[tuple[int, Record]]:
        if self._happens:
            happens, self._happens = self._happens, None
            await happens()
        return await self._store.records(**asked)


async def test_a_log_that_is_moved_while_it_is_looked_through_is_no_problem(log: Log) -> None:
    async with open_sqlite(log.path) as store:
        moving = Rotation(store, store.seals, log.folder, Clock())
        reading = Meanwhile(store, lambda: moving.rotate(AT + 4 * MINUTE))
        verdict = await verify(reading, store.seals, [log.signer.public], archives=log.folder)
    assert (verdict.problems, verdict.records, verdict.archived) == ([], 12, 9)


async def test_a_log_that_is_moved_while_it_is_printed_is_printed_whole(log: Log) -> None:
    async with open_sqlite(log.path) as store:
        moving = Rotation(store, store.seals, log.folder, Clock())
        reading = Meanwhile(store, lambda: moving.rotate(AT + 4 * MINUTE))
        assert [seq async for seq, _ in everything(reading, log.folder, after=2)] == list(range(3, 13))


# Records as lines.


def test_a_line_is_read_as_it_was_written() -> None:
    record = Record(
        at=AT, event="e", decision="deny", verified=False, count=7, chat_id=-1, facts={"a": "\u202e\ud800", "b": True}
    )
    line = to_json_line(3, record)
    assert from_json_line(line) == (3, record)
    for wrong in (
        "{}", "[]", "1", "{", "[" * 100_000, line.replace('"v":1', '"v":2'), line.replace('"event"', '"evant"'),
        line.replace('"event":"e"', '"event":7'), line.replace('"count":7', '"count":"7"'),
        line.replace('"count":7', '"count":true'), line.replace('"verified":false', '"verified":0'),
        line.replace('"chat_id":-1', '"chat_id":"-1"'), line.replace('"seq":3', '"seq":"3"'),
        line.replace('"b":true', '"b":[]'), line.replace('{"a"', '{"a":1,"facts":{"a"'),
        line.replace("Z", ""), before_the_first_year(line),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"."):
            from_json_line(wrong)


async def test_a_damaged_file_is_told_by_its_name(archived: Log) -> None:
    archived.files[1].write_text(archived.files[1].read_text().replace('"v":1', '"v":2'))
    with pytest.raises(ValueError, match=r"000002\.jsonl"):
        await archived.all()
