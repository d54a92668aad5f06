"""Tells whether the audit log is what was written: nothing edited, removed, added, moved, cut off or spliced in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.audit import archive, chain, signing
from gateway.audit.archive import Place
from gateway.audit.trail import Trail
from gateway.model import UNREADABLE
from gateway.store.base import AuditReader
from gateway.store.seals import Checkpoint, SealReader

_PAGE = 1000


@dataclass(slots=True)
class Verdict:
    """What was looked at, and what is wrong.

    Attributes:
        records: How many records there are.
        sealed: How many of them have a link; those of the last seconds have none yet.
        checkpoints: How many checkpoints there are, all of them looked at.
        archived: How many of the records are in archive files that were looked at.
        head: Number and link of the last sealed record: keep it elsewhere, and give it to a later verification.
        problems: What is wrong, a line each; empty for a log that is as it was written.
    """

    records: int = 0
    sealed: int = 0
    checkpoints: int = 0
    archived: int = 0
    head: tuple[int, bytes] = (0, b"")
    problems: list[str] = field(default_factory=list)


async def verify(
    log: AuditReader,
    seals: SealReader,
    public_keys: Collection[bytes],
    expected: Mapping[int, bytes] | None = None,
    archives: Path | None = None,
) -> Verdict:
    """Look through the whole log; a gateway may write it, and move parts of it to archive files, meanwhile.

    Args:
        log: The records.
        seals: Their chain.
        public_keys: The Ed25519 keys that checkpoints may be signed with, 32 bytes each.
        expected: Links that were kept elsewhere, by the number of their record: without one, nobody can tell that both
            the end of the log and every trace of it are gone.
        archives: The folder of the archive files; None: only what is in the database is looked at, from the checkpoint
            on up to which all was archived. Files from before a record that is `expected` may be missing.

    Raises:
        AuditUnavailable: the storage failed.
    """
    while True:
        archived = await seals.archived_until()
        verdict = await _verify(log, seals, archived, public_keys, expected or {}, archives)
        # Else what was looked for in the database is in a file by now.
        if await seals.archived_until() == archived:
            return verdict


async def _verify(
    log: AuditReader,
    seals: SealReader,
    archived: int,
    public_keys: Collection[bytes],
    expected: Mapping[int, bytes],
    archives: Path | None,
) -> Verdict:
    # What may grow meanwhile is read in this order, so that nothing is missed that was there before.
    last = await seals.last_numbered()
    checkpoints = [checkpoint async for checkpoint in _checkpoints(seals)]
    name = await seals.chain()
    files = [] if archives is None else archive.files(archives)
    verdict = Verdict()
    if name is None:
        if expected or checkpoints or files:
            verdict.problems.append("the chain is gone")
        return verdict

    def is_signed(checkpoint: Checkpoint) -> bool:
        text = chain.signed_text(name, checkpoint)
        return signing.holds(public_keys, checkpoint.key_id, text, checkpoint.signature)

    trail = Trail(name, expected, is_signed)
    await _follow(trail, [(number, path) for number, path in files if number <= archived])
    if archived:
        _leave(trail, name, archived, checkpoints, was_followed=archives is not None)
    # Files that the database has not let go of yet: a move is under way, or a crash came between.
    ahead = Trail(name, {}, is_signed, trail.place)
    await _follow(ahead, [(number, path) for number, path in files if number > archived])
    _begin(verdict, trail)
    verdict.problems += ahead.problems
    wanted = {checkpoint.seq for checkpoint in checkpoints} | expected.keys() | {ahead.place.seq}
    true = await _walk(verdict, log, seals, trail, wanted, last)
    await _check_last_link(verdict, seals)
    _check_checkpoints(verdict, checkpoints, archived or 1, true, is_signed)
    if true.get(ahead.place.seq) != ahead.place.link:
        verdict.problems.append("an archive file has what the database has otherwise or not at all")
    for seq, link in expected.items():
        if true.get(seq) != link:
            verdict.problems.append(f"record {seq} is gone or is not the one whose link was kept elsewhere")
    return verdict


async def _follow(trail: Trail, files: Sequence[tuple[int, Path]]) -> None:
    for number, path in files:
        await asyncio.to_thread(trail.follow, number, path)


def _leave(trail: Trail, name: str, archived: int, checkpoints: Sequence[Checkpoint], *, was_followed: bool) -> None:
    """Leave the files for the database, which goes on from the checkpoint that it kept of them."""
    if not checkpoints or checkpoints[0].number != archived:
        trail.problems.append(f"checkpoint {archived} is gone, from which on the database has the log")
        return
    place = Place(name, checkpoints[0].seq, checkpoints[0].link, archived)
    if was_followed:
        trail.go_on(place, "what the database has")
    else:
        trail.stand(place)


def _begin(verdict: Verdict, trail: Trail) -> None:
    verdict.problems += trail.problems
    verdict.records = verdict.sealed = verdict.archived = trail.records
    verdict.checkpoints = trail.checkpoints
    if trail.place.seq:
        verdict.head = (trail.place.seq, trail.place.link)


async def _walk(
    verdict: Verdict, log: AuditReader, seals: SealReader, trail: Trail, wanted: Collection[int], last: int
) -> Mapping[int, bytes]:
    """Compute each link anew and compare; return the true ones of the wanted records, of what they say now."""
    link, before, is_broken = trail.place.link, trail.place.seq, False
    true = dict(trail.true)
    while page := await log.records(after=before, limit=_PAGE):
        kept = dict(await seals.links(before, page[-1][0] - before))
        for seq, record in page:
            verdict.records += 1
            if seq != before + 1:
                verdict.problems.append(_gone(before + 1, seq - 1))
            if record.event == UNREADABLE:
                verdict.problems.append(f"what is kept as record {seq} is none")
            before, link = seq, chain.link(link, seq, record)
            if seq in wanted:
                true[seq] = link
            sealed = kept.get(seq)
            if sealed is None:
                continue
            if seq != verdict.head[0] + 1 and not is_broken:
                verdict.problems.append(f"the links of records {verdict.head[0] + 1} to {seq - 1} are gone")
            verdict.sealed += 1
            verdict.head = (seq, sealed)
            if sealed != link and not is_broken:
                is_broken = True
                verdict.problems.append(f"record {seq} or one before it was changed")
    if last > before:
        verdict.problems.append(_gone(before + 1, last))
    return true


async def _check_last_link(verdict: Verdict, seals: SealReader) -> None:
    # Sealing goes on after the last link: one of a record that will never be would end it.
    above = await seals.links(await seals.last_numbered(), 1)
    if above and above[0][0] > await seals.last_numbered():
        verdict.problems.append(f"there is a link of record {above[0][0]}, which there is not")


def _check_checkpoints(
    verdict: Verdict,
    checkpoints: Sequence[Checkpoint],
    first: int,
    true: Mapping[int, bytes],
    is_signed: Callable[[Checkpoint], bool],
) -> None:
    # The one up to which all was archived is in a file too, and was counted there.
    verdict.checkpoints += len(checkpoints) - (verdict.checkpoints > 0)
    for expected, checkpoint in enumerate(checkpoints, first):
        where = f"checkpoint {checkpoint.number}"
        if checkpoint.number != expected:
            verdict.problems.append(f"checkpoints before {where} are gone")
            return
        if not is_signed(checkpoint):
            verdict.problems.append(f"{where} is not signed by a known key")
        elif true.get(checkpoint.seq) != checkpoint.link:
            verdict.problems.append(f"{where} says that record {checkpoint.seq} was another")


def _gone(first: int, last: int) -> str:
    return f"record {first} is gone" if first == last else f"records {first} to {last} are gone"


async def _checkpoints(seals: SealReader) -> AsyncIterator[Checkpoint]:
    number = 0
    while page := await seals.checkpoints(number, _PAGE):
        for checkpoint in page:
            number = checkpoint.number
            yield checkpoint
