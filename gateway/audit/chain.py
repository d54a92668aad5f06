"""The chain that makes the audit log tell when somebody has changed it.

Each record's link is SHA-256 over the link before and the record's canonical line, so no record can be edited, removed,
added or moved without every later link being wrong. Checkpoints say, signed with a key of their own, how long the chain
was and what its last link was at an instant; one is written each minute even when nothing happens, so that silence is
provable too. Whoever keeps a checkpoint elsewhere (it is also a log line) can tell that the end was cut off, whoever
holds the key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from gateway.audit.lines import timestamp, to_json_line
from gateway.model import Record
from gateway.store.seals import Checkpoint

_KIND = "chatkey-audit/1"


def beginning(chain: str) -> bytes:
    """Return the link before the first record; `chain` names this installation's log, so that two can't be spliced."""
    return hashlib.sha256(f"{_KIND}\n{chain}\n".encode()).digest()


def link(before: bytes, seq: int, record: Record) -> bytes:
    """Return the link of a record."""
    return link_of_line(before, to_json_line(seq, record))


def link_of_line(before: bytes, line: str) -> bytes:
    """Return the link of a record, of which `line` is what `to_json_line` wrote."""
    return hashlib.sha256(before + line.encode()).digest()


def links(before: bytes, records: Iterable[tuple[int, Record]]) -> Iterator[tuple[int, bytes]]:
    """Yield number and link of each record that follows `before`."""
    for seq, record in records:
        before = link(before, seq, record)
        yield seq, before


def signed_text(chain: str, checkpoint: Checkpoint) -> bytes:
    """Return what a checkpoint's signature is over."""
    facts = (
        _KIND,
        chain,
        str(checkpoint.number),
        timestamp(checkpoint.at),
        str(checkpoint.seq),
        checkpoint.link.hex(),
        checkpoint.key_id,
    )
    return "\n".join(facts).encode()
