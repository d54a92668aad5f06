"""Archive files: stretches of the audit log that were moved out of the database, in `audit/archive` of the data folder.

Each is named after the checkpoint that it ends with. Its first line says where the chain stood before; then come the
records, exactly as their links are over them, and each checkpoint after the last record that it is over. So the files,
one after the other and then the database, are one chain.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.audit.lines import from_json_line, instant_from, timestamp
from gateway.model import Record
from gateway.store.seals import Checkpoint

VERSION = 1
MAX_BYTES = 1 << 30
"""More than any file has: some 10,000 records, unless one checkpoint is over more."""
_NAME = re.compile(r"checkpoint-([0-9]{12})\.jsonl", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chain stands: its name, the numbers of its last record and checkpoint, and the link of that record."""

    chain: str
    seq: int
    link: bytes
    checkpoint: int


@dataclass(frozen=True, slots=True)
class Line:
    """A record in an archive file: its number, and the text that its link is over."""

    seq: int
    text: str


def directory(data_dir: Path) -> Path:
    """Return where the archive files of an installation are."""
    return data_dir / "audit" / "archive"


def path_of(folder: Path, checkpoint: int) -> Path:
    """Return the file that ends with this checkpoint."""
    return folder / f"checkpoint-{checkpoint:012}.jsonl"


def files(folder: Path) -> list[tuple[int, Path]]:
    """Return the files in a folder, the first stretch first, each with the checkpoint that it is named after."""
    if not folder.is_dir():
        return []
    named = ((_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted((int(name[1]), path) for name, path in named if name)


def beginning_line(place: Place) -> str:
    """Write the first line of a file that goes on from a place."""
    return _json(
        {
            "archive": VERSION,
            "chain": place.chain,
            "seq": place.seq,
            "link": place.link.hex(),
            "checkpoint": place.checkpoint,
        }
    )


def checkpoint_line(checkpoint: Checkpoint) -> str:
    """Write a checkpoint."""
    return _json(
        {
            "checkpoint": checkpoint.number,
            "at": timestamp(checkpoint.at),
            "seq": checkpoint.seq,
            "link": checkpoint.link.hex(),
            "key_id": checkpoint.key_id,
            "signature": checkpoint.signature.hex(),
        }
    )


def content(path: Path) -> bytes:
    """Return what is in a file; raises `ValueError` where it is too long to be one, and `OSError`."""
    # A pipe in its place does not block, and a device has no end.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no plain file", str(path))
        if status.st_size > MAX_BYTES:
            raise ValueError("is longer than any archive file")
        return file.read()


def read(path: Path) -> tuple[Place, Sequence[Line | Checkpoint]]:
    """Return where a file goes on from, and what is in it.

    Raises:
        ValueError: it is damaged; the text says at which line.
        OSError: it can't be read.
    """
    try:
        lines = content(path).decode().split("\n")
    except UnicodeDecodeError as error:
        raise ValueError("is damaged: it is no text") from error
    if lines.pop():
        raise ValueError(f"is cut off in line {len(lines) + 1}")
    number = 1
    try:
        place = _place(json.loads(lines[0]))
        found = []
        for number, text in enumerate(lines[1:], 2):  # noqa: B007 - for whoever reads the error
            found.append(_entry(text))
    except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError) as error:
        raise ValueError(f"is damaged in line {number}") from error
    return place, found


def records(folder: Path, until: int | None = None, *, newest_first: bool = False) -> Iterator[tuple[int, Record]]:
    """Yield the records in a folder's files with their numbers, of the files up to checkpoint `until` if one is given.

    Raises:
        ValueError: a file is damaged; the text says which.
        OSError: a file can't be read.
    """
    step = -1 if newest_first else 1
    for number, path in files(folder)[::step]:
        if until is not None and number > until:
            continue
        try:
            found = [from_json_line(line.text) for line in read(path)[1] if isinstance(line, Line)]
        except ValueError as error:
            raise ValueError(f"{path} {error}") from error
        yield from found[::step]


def _json(fields: dict[str, str | int]) -> str:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def _place(fields: Any) -> Place:
    if fields["archive"] != VERSION:
        raise ValueError("a file of another version")
    return Place(
        str(fields["chain"]), _integer(fields["seq"]), bytes.fromhex(fields["link"]), _integer(fields["checkpoint"])
    )


def _entry(text: str) -> Line | Checkpoint:
    fields = json.loads(text)
    return _checkpoint(fields) if "checkpoint" in fields else Line(_integer(fields["seq"]), text)


def _checkpoint(fields: Any) -> Checkpoint:
    key_id = str(fields["key_id"])
    key_id.encode()  # what is signed is bytes
    return Checkpoint(
        number=_integer(fields["checkpoint"]),
        at=instant_from(fields["at"]),
        seq=_integer(fields["seq"]),
        link=bytes.fromhex(fields["link"]),
        key_id=key_id,
        signature=bytes.fromhex(fields["signature"]),
    )


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise ValueError("a number is none")
    return value
