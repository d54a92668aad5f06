"""The connection that writes, and what can be wrong with what is below it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import astuple, dataclass, replace

import apsw

from gateway.store import statements

STORAGE_FAULTS = (
    apsw.FullError,
    apsw.IOError,
    apsw.ReadOnlyError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.ProtocolError,
    apsw.PermissionsError,
    apsw.NoMemError,
    apsw.ConnectionClosedError,
)
"""What goes wrong with the storage, as opposed to what is wrong with a statement."""

PATIENCE_MS = 5_000  # of a connection that finds another one recovering the log


@dataclass(slots=True)
class Numbers:
    """The numbers given last to a message, to a change of one and to a record."""

    message: int
    change: int
    record: int


class Database:
    """The connection that writes. `numbers` are those of the transaction; they are kept, or not, together with it."""

    def __init__(self, connection: apsw.Connection) -> None:
        """Take over a connection to a database of this version."""
        self.connection = connection
        self.max_bytes: int | None = None
        self.is_full = False
        self.log_pages = 0  # not yet moved to the database
        self._kept = Numbers(*connection.execute(statements.NUMBERS).get)
        self.numbers = self._kept
        connection.set_wal_hook(self._note_log)

    def _note_log(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self.log_pages = pages
        return apsw.SQLITE_OK

    def begin(self) -> None:
        """Begin a transaction, after undoing one that could not be undone before."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")
        self.connection.execute("BEGIN IMMEDIATE")
        # Another process may have given some meanwhile: the command on this host changes the registry beside a server.
        self._kept = Numbers(*self.connection.execute(statements.NUMBERS).get)
        self.numbers = replace(self._kept)

    def commit(self) -> None:
        """Put the transaction on durable storage."""
        if self.numbers != self._kept:
            self.connection.execute(statements.SET_NUMBERS, astuple(self.numbers))
        self.connection.execute("COMMIT")
        self._kept = self.numbers
        self.measure()

    def measure(self) -> None:
        """Learn whether `max_bytes` are in use: room that was freed is used again and does not count."""
        if self.max_bytes is not None:
            used = self.connection.pragma("page_count") - self.connection.pragma("freelist_count")
            self.is_full = used * self.connection.pragma("page_size") >= self.max_bytes

    def rollback(self) -> None:
        """Undo the transaction, unless SQLite did so already; what fails here is tried again by `begin`."""
        with suppress(apsw.Error):
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")

    def checkpoint(self) -> bool:
        """Move what the log holds to the database, as far as readers allow, and return whether that was all.

        The next commit after all was moved begins the log anew, over what is there: that is synced faster than a
        file that grows, so the log is never cut.
        """
        pages, moved = self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        if pages == moved:
            self.log_pages = 0
        return pages == moved

    def close(self) -> None:
        """Let go of the file, even if the storage fails: what was answered is in the log, and the log is read again."""
        with suppress(*STORAGE_FAULTS):
            self.connection.close()
