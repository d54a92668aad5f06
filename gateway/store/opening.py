"""How a database is opened: checked, made, brought to this version, and made durable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path
from time import monotonic

import apsw

from gateway.errors import ConfigInvalid
from gateway.store.database import PATIENCE_MS, Database

OLDEST_SQLITE = (3, 51, 3)
"""Older ones may corrupt a write-ahead log that several connections use: https://sqlite.org/wal.html#walresetbug."""

APPLICATION_ID = 0x43484B59  # "CHKY"

_CHECK_S = 2.0  # about 2 GB that are in memory already

SETTINGS = (
    # FULL syncs the log before a commit returns, and before readers see it: the log's index is written after the sync.
    "PRAGMA synchronous = FULL",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -8000",
    "PRAGMA trusted_schema = OFF",
)


def open_writing(path: str, vfs: str | None = None) -> Database:
    """Open a database to write, made or brought to this version if need be; an empty path is one in memory.

    Raises:
        ConfigInvalid: It is damaged, of a newer version, of another program, or can't be read or written.
    """
    with _opened(path, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE, vfs) as connection:
        _require_health(connection, path)
        if path and connection.pragma("journal_mode", "wal") != "wal":
            raise ConfigInvalid(f"{path}: this file system can't hold a write-ahead log: use a local one")
        _migrate(connection, path)
        _require_whole(connection, path)
        database = Database(connection)
        # After a crash the log may end in a commit that was never synced, and be answered from. This write syncs it.
        connection.pragma("user_version", len(_migrations()))
        return database


def open_reading(path: str, vfs: str | None = None) -> apsw.Connection:
    """Open a database of this version to read, also beside a server that writes.

    Raises:
        ConfigInvalid: It is missing, of another version or of another program, or can't be read.
    """
    with _opened(path, apsw.SQLITE_OPEN_READONLY, vfs) as connection:
        _require_current(connection, path)
        return connection


def open_beside(path: str, vfs: str | None = None) -> Database:
    """Open a database of this version to write, also beside a server, which neither is kept out nor waits long.

    Raises:
        ConfigInvalid: It is missing, of another version or of another program, or can't be written.
    """
    with _opened(path, apsw.SQLITE_OPEN_READWRITE, vfs) as connection:
        _require_current(connection, path)
        return Database(connection)


def is_current(path: str) -> bool:
    """Whether there is a database of this version.

    Raises:
        ConfigInvalid: It is of a newer version or of another program, or can't be read.
    """
    if not Path(path).exists():
        return False
    with _opened(path, apsw.SQLITE_OPEN_READONLY, None) as connection:
        version = _version(connection, path)
        connection.close()
    return version == len(_migrations())


@contextmanager
def _opened(path: str, flags: int, vfs: str | None) -> Iterator[apsw.Connection]:
    """Open a connection for whoever needs it from now on; it is closed only if the block fails."""
    _require_sqlite()
    connection = None
    try:
        connection = apsw.Connection(path, flags=flags, vfs=vfs)
        connection.set_busy_timeout(PATIENCE_MS)
        for setting in SETTINGS:
            connection.execute(setting)
        yield connection
    except BaseException as error:
        if connection is not None:
            connection.close(force=True)
        if isinstance(error, apsw.Error):
            raise _unusable(path, error) from error
        raise


def _require_sqlite() -> None:
    version = apsw.sqlite_lib_version()
    if tuple(map(int, version.split("."))) < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        raise ConfigInvalid(f"SQLite {version} may lose messages: install an apsw that brings {oldest} or newer")


def _require_health(connection: apsw.Connection, path: str) -> None:
    """Look for damage, in a large database only as far as the time goes: a server must start."""
    until = monotonic() + _CHECK_S
    connection.set_progress_handler(lambda: monotonic() > until, 10_000)
    try:
        finding = connection.execute("PRAGMA quick_check(1)").get
    except apsw.InterruptError:
        return
    finally:
        connection.set_progress_handler(None)
    if finding != "ok":
        in_one_line = " ".join(str(finding).split())
        raise ConfigInvalid(f"{path} is damaged ({in_one_line}): restore it from a backup")


def _version(connection: apsw.Connection, path: str) -> int:
    version = int(connection.pragma("user_version"))
    application = connection.pragma("application_id")
    is_new = version == 0 and application == 0 and not connection.execute("SELECT count(*) FROM sqlite_schema").get
    if application != APPLICATION_ID and not is_new:
        raise ConfigInvalid(f"{path} is a database of another program: name another file")
    newest = len(_migrations())
    if version > newest:
        raise ConfigInvalid(f"{path} has version {version} and this Chatkey knows {newest}: install the newer Chatkey")
    return version


def _require_current(connection: apsw.Connection, path: str) -> None:
    if _version(connection, path) < len(_migrations()):
        raise ConfigInvalid(f"{path} was written by an older Chatkey: start the server once")
    _require_whole(connection, path)


def _require_whole(connection: apsw.Connection, path: str) -> None:
    """Look whether every table and index is there: without a unique one, what is promised to be once could be twice."""
    with closing(apsw.Connection(":memory:")) as fresh:
        for script in _migrations():
            fresh.execute(script)
        missing = _names(fresh) - _names(connection)
    if missing:
        raise ConfigInvalid(f"{path} is damaged ({', '.join(sorted(missing))} missing): restore it from a backup")


def _names(connection: apsw.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}


def _migrate(connection: apsw.Connection, path: str) -> None:
    version = _version(connection, path)
    for number, script in enumerate(_migrations()[version:], version + 1):
        with connection:
            connection.execute(script)
            connection.pragma("application_id", APPLICATION_ID)
            connection.pragma("user_version", number)


def _migrations() -> list[str]:
    """Return the scripts in order: the first one makes version 1."""
    folder = files("gateway.store") / "migrations"
    scripts = sorted((item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name)
    return [script.read_text(encoding="utf-8") for script in scripts]


def _unusable(path: str, error: apsw.Error) -> ConfigInvalid:
    if isinstance(error, apsw.NotADBError):
        return ConfigInvalid(f"{path} is not a database: name another file")
    if isinstance(error, apsw.CorruptError):
        return ConfigInvalid(f"{path} is damaged ({error}): restore it from a backup")
    if isinstance(error, apsw.CantOpenError) and not Path(path).exists():
        return ConfigInvalid(f"{path} does not exist yet: start the server once")
    return ConfigInvalid(f"{path} can't be read or written ({error}): make room or change its permissions")
