"""How a database is opened: looked at, and brought to this version by one gateway at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

import asyncpg

from gateway.errors import ConfigInvalid
from gateway.store.postgres.dialect import is_fault
from gateway.store.postgres.place import Connection, Place

_LOCK = 0x43484B59  # "CHKY"
_VERSION = "SELECT max(version) FROM schema_versions"


async def prepare(place: Place) -> None:
    """Bring the database to this version if need be.

    Raises:
        ConfigInvalid: It can't be reached or used, would lose what it has accepted, or is of a newer version.
    """
    async with _connected(place) as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await _migrate(connection)
        await connection.execute("DELETE FROM writers WHERE at < now() - interval '1 day'")


async def require_current(place: Place) -> None:
    """Return if there is a database of this version; raises `ConfigInvalid`."""
    async with _connected(place) as connection:
        version = await _version(connection)
    if version < len(_migrations()):
        raise ConfigInvalid("The database has no tables of this version of Chatkey: start the server once.")


@asynccontextmanager
async def _connected(place: Place) -> AsyncIterator[Connection]:
    try:
        connection = await place.connect()
        try:
            yield connection
        finally:
            await connection.close(timeout=1)
    except Exception as error:
        if not is_fault(error) and not isinstance(error, asyncpg.PostgresError | ValueError):
            raise
        raise _unusable(error) from None


def _unusable(error: BaseException) -> ConfigInvalid:
    why = " ".join(str(error).split()) or type(error).__name__
    return ConfigInvalid(f"CHATKEY_DATABASE: the PostgreSQL server can't be used: {why}.")


async def _version(connection: Connection) -> int:
    if await connection.fetchval("SELECT to_regclass('schema_versions') IS NULL"):
        return 0
    version = int(await connection.fetchval(_VERSION) or 0)
    newest = len(_migrations())
    if version > newest:
        raise ConfigInvalid(
            f"The database has version {version} and this Chatkey knows {newest}: install the newer Chatkey."
        )
    return version


async def _migrate(connection: Connection) -> None:
    version = await _version(connection)
    if version == 0:
        await connection.execute("CREATE TABLE schema_versions (version int PRIMARY KEY)")
    for number, script in enumerate(_migrations()[version:], version + 1):
        await connection.execute(script)
        await connection.execute("INSERT INTO schema_versions VALUES ($1)", number)


def _migrations() -> list[str]:
    """Return the scripts in order: the first one makes version 1."""
    folder = files("gateway.store.postgres") / "migrations"
    scripts = sorted((item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name)
    return [script.read_text(encoding="utf-8") for script in scripts]
