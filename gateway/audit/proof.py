"""Tells whether the audit log is what was written: nothing edited, removed, added, moved, cut off or spliced in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.audit import chain, signing
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
        head: Number and link of the last sealed record: keep it elsewhere, and give it to a later verification.
        problems: What is wrong, a line each; empty for a log that is as it was written.
    """

    records: int = 0
    sealed: int = 0
    checkpoints: int = 0
    head: tuple[int, bytes] = (0, b"")
    problems: list[str] = field(default_factory=list)


async def verify(
    log: AuditReader,
    seals: SealReader,
    public_keys: Collection[bytes],
    expected: Mapping[int, bytes] | None = None,
) -> Verdict:
    """Look through the whole log; a gateway may write it meanwhile.

    Args:
        log: The records.
        seals: Their chain.
        public_keys: The Ed25519 keys that checkpoints may be signed with, 32 bytes each.
        expected: Links that were kept elsewhere, by the number of their record: without one, nobody can tell that both
            the end of the log and every trace of it are gone.

    Raises:
        AuditUnavailable: the storage failed.
    """
    verdict = Verdict()
    # What may grow meanwhile is read in this order, so that nothing is missed that was there before.
    last = await seals.last_numbered()
    checkpoints = [checkpoint async for checkpoint in _checkpoints(seals)]
    name = await seals.chain()
    if name is None:
        if expected or checkpoints:
            verdict.problems.append("the chain is gone")
        return verdict
    wanted = {checkpoint.seq for checkpoint in checkpoints} | (expected or {}).keys()
    true = await _walk(verdict, log, seals, name, wanted, last)
    _check_checkpoints(verdict, checkpoints, name, public_keys, true)
    for seq, link in (expected or {}).items():
        if true.get(seq) != link:
            verdict.problems.append(f"record {seq} is gone or is not the one whose link was kept elsewhere")
    return verdict


async def _walk(
    verdict: Verdict, log: AuditReader, seals: SealReader, name: str, wanted: Collection[int], last: int
) -> Mapping[int, bytes]:
    """Compute each link anew and compare; return the true ones of the wanted records, of what they say now."""
    link, before, is_broken = chain.beginning(name), 0, False
    true = {0: link}
    while page := await log.records(after=before, limit=_PAGE):
        kept = dict(await seals.links(before, page[-1][0] - before))
        for seq, record in page:
            verdict.records += 1
            if seq != before + 1:
                verdict.problems.append(_gone(before + 1, seq - 1))
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


def _check_checkpoints(
    verdict: Verdict,
    checkpoints: Sequence[Checkpoint],
    name: str,
    public_keys: Collection[bytes],
    true: Mapping[int, bytes],
) -> None:
    verdict.checkpoints = len(checkpoints)
    for expected, checkpoint in enumerate(checkpoints, 1):
        where = f"checkpoint {checkpoint.number}"
        text = chain.signed_text(name, checkpoint)
        if checkpoint.number != expected:
            verdict.problems.append(f"checkpoints before {where} are gone")
            return
        if not signing.holds(public_keys, checkpoint.key_id, text, checkpoint.signature):
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
