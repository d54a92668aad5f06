"""Moves what is old of the audit log out of the database and into archive files, so that the database stays small.

A file is on the disk, whole, before the database lets go of what is in it, in one transaction. After a crash in between
both have it, and the next turn finishes the move. Nothing is ever deleted for good.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

from gateway import private_files
from gateway.audit import archive, chain
from gateway.audit.archive import Place
from gateway.audit.lines import to_json_line
from gateway.clock import Clock
from gateway.errors import AuditUnavailable, ConfigInvalid, StateConflict
from gateway.store.base import AuditReader
from gateway.store.seals import Checkpoint, SealStore

EVERY = timedelta(hours=1)
RECORDS = 10_000
"""Records in a file, unless one checkpoint is over more; to remove as many keeps the writer for a moment only."""
CHECKPOINTS = 5_000
"""Checkpoints in a file."""
_TURN = 200
"""Records between which the event loop does other things."""


class Rotation:
    """Archives the log up to a checkpoint: only what is sealed can go."""

    def __init__(self, log: AuditReader, seals: SealStore, folder: Path, clock: Clock) -> None:
        """Take the log and where its archive files are: a folder for them alone."""
        self._log = log
        self._seals = seals
        self._folder = folder
        self._clock = clock

    async def run(self, keep: timedelta, on_conflict: Callable[[str], None]) -> None:
        """Archive what is older than `keep`, in whole days of UTC, now and then, until cancelled.

        Args:
            keep: How long the database has what is recorded, up to a day more.
            on_conflict: Told why nothing can be archived until somebody looks.
        """
        while True:
            midnight = (self._clock.now() - keep).replace(hour=0, minute=0, second=0, microsecond=0)
            try:
                await self.rotate(midnight)
            except (StateConflict, AuditUnavailable) as error:
                on_conflict(str(error))
            await asyncio.sleep(EVERY.total_seconds())

    async def rotate(self, before: datetime) -> Sequence[Path]:
        """Archive up to the last checkpoint from before an instant; return the files that were made or finished.

        Raises:
            StateConflict: another process is at it; the log was tampered with; or files and database don't fit.
            AuditUnavailable: the database or the folder can't be read or written.
        """
        name = await self._seals.chain()
        if name is None:
            return []
        made = []
        with ExitStack() as stack:
            try:
                private_files.make_directory(self._folder)
                stack.enter_context(private_files.locked(self._folder, wait=False))
                private_files.remove_unfinished(self._folder)
            except BlockingIOError:
                raise StateConflict("the audit log is being archived already") from None
            except OSError as error:
                raise AuditUnavailable(f"{self._folder} can't be made or read: {error.strerror}") from error
            except ConfigInvalid as error:
                raise AuditUnavailable(str(error)) from error
            while path := await self._next(name, before):
                made.append(path)
        return made

    async def _next(self, name: str, before: datetime) -> Path | None:
        archived = await self._seals.archived_until()
        place = await self._place(name, archived)
        left = [number for number, _ in archive.files(self._folder) if number > archived]
        stretch = await self._stretch(place, until=left[0]) if left else await self._stretch(place, before=before)
        if not stretch:
            return None
        path = archive.path_of(self._folder, stretch[-1].number)
        content = await self._content(place, stretch)
        try:
            await asyncio.to_thread(_put, path, content)
        except OSError as error:
            raise AuditUnavailable(f"{path} can't be read or written: {error.strerror}") from error
        except ValueError as error:
            raise StateConflict(f"{path} {error}: `chatkey audit verify` shows what was done") from error
        if not await self._seals.archive(archived, stretch[-1]):
            raise StateConflict("the audit log was archived by somebody else meanwhile")
        return path

    async def _place(self, name: str, archived: int) -> Place:
        if not archived:
            return Place(name, 0, chain.beginning(name), 0)
        for base in await self._seals.checkpoints(archived - 1, 1):
            if base.number == archived:
                return Place(name, base.seq, base.link, base.number)
        raise StateConflict(f"checkpoint {archived} is gone: `chatkey audit verify` shows what was done")

    async def _stretch(
        self, place: Place, *, until: int | None = None, before: datetime | None = None
    ) -> Sequence[Checkpoint]:
        """Return the checkpoints of the next file: exactly up to `until`, or those from before an instant."""
        found: list[Checkpoint] = []
        while page := await self._seals.checkpoints(found[-1].number if found else place.checkpoint, 1000):
            for checkpoint in page:
                is_full = found and (checkpoint.seq - place.seq > RECORDS or len(found) == CHECKPOINTS)
                if until is None and (is_full or (before and checkpoint.at >= before)):
                    return found
                found.append(checkpoint)
                if checkpoint.number == until:
                    return found
        if until is not None:
            path = archive.path_of(self._folder, until)
            raise StateConflict(f"{path} holds more than the database, which is an older copy: restore the newer one")
        return found

    async def _content(self, place: Place, checkpoints: Sequence[Checkpoint]) -> bytes:
        lines = [archive.beginning_line(place)]
        seq, link = place.seq, place.link
        for checkpoint in checkpoints:
            while seq < checkpoint.seq:
                page = await self._log.records(after=seq, limit=min(_TURN, checkpoint.seq - seq))
                for number, record in page:
                    seq, link = number, chain.link(link, number, record)
                    lines.append(to_json_line(number, record))
                if not page:
                    break
            if (seq, link) != (checkpoint.seq, checkpoint.link):
                raise StateConflict(
                    f"the audit log was changed before checkpoint {checkpoint.number}, and stays where it is: "
                    "`chatkey audit verify` shows what was done"
                )
            lines.append(archive.checkpoint_line(checkpoint))
        return "".join(f"{line}\n" for line in lines).encode()


def _put(path: Path, content: bytes) -> None:
    """Put a file in place, unless it is there already."""
    if not path.exists():
        private_files.write(path, content)
    elif archive.content(path) != content:
        raise StateConflict(f"{path} is not what the database has: `chatkey audit verify` shows what was done")
