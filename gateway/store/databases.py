"""Opens the database that the configuration names, whichever it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

from gateway.config import Config
from gateway.errors import ConfigInvalid
from gateway.store.chats import ChatStore
from gateway.store.registry import RegistryReader

# Each of the two is imported where it is used: a command of one has no need to load the other's driver.
if TYPE_CHECKING:
    from gateway.store.postgres import PostgresReadings, PostgresStore
    from gateway.store.sqlite import SqliteReadings, SqliteStore

    AnyStore: TypeAlias = SqliteStore | PostgresStore
    AnyReadings: TypeAlias = SqliteReadings | PostgresReadings


@asynccontextmanager
async def open_serving(config: Config) -> AsyncIterator[AnyStore]:
    """Open it for a server, made or brought to this version if need be; raises `ConfigInvalid`."""
    if config.is_postgres:
        from gateway.store.directory import make
        from gateway.store.postgres import open_postgres

        make(config.data_dir)
        async with open_postgres(config.database, _password(config)) as postgres:
            yield postgres
    else:
        from gateway.store.sqlite import open_sqlite

        async with open_sqlite(config.database_path, max_bytes=config.database_max_size) as sqlite:
            yield sqlite


@asynccontextmanager
async def open_changing(config: Config) -> AsyncIterator[AnyStore]:
    """Open it for a command, to change it also while a server uses it; raises `ConfigInvalid`."""
    if config.is_postgres:
        from gateway.store.postgres import open_postgres

        async with open_postgres(config.database, _password(config)) as postgres:
            yield postgres
    else:
        from gateway.store.sqlite import open_sqlite_beside

        async with open_sqlite_beside(config.database_path) as sqlite:
            yield sqlite


@asynccontextmanager
async def open_readings(config: Config) -> AsyncIterator[AnyReadings]:
    """Open it to read, also while a server uses it; raises `ConfigInvalid`."""
    if config.is_postgres:
        from gateway.store.postgres import read_postgres

        async with read_postgres(config.database, _password(config)) as postgres:
            yield postgres
    else:
        from gateway.store.sqlite import read_sqlite

        async with read_sqlite(config.database_path) as sqlite:
            yield sqlite


@asynccontextmanager
async def open_registry_readings(config: Config) -> AsyncIterator[RegistryReader]:
    """Open the registry in it to read; raises `ConfigInvalid`."""
    if config.is_postgres:
        async with open_changing(config) as store:
            yield store.registry
    else:
        from gateway.store.registry_sqlite import read_registry

        async with read_registry(config.database_path) as registry:
            yield registry


@asynccontextmanager
async def open_chat_states(config: Config) -> AsyncIterator[ChatStore]:
    """Open what is kept of chats, to change it also while a server uses it; raises `ConfigInvalid`."""
    if config.is_postgres:
        async with open_changing(config) as store:
            yield store.chats
    else:
        from gateway.store.chat_sqlite import open_chats

        async with open_chats(config.database_path) as chats:
            yield chats


def _password(config: Config) -> str | None:
    path = config.database_password_file
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ConfigInvalid(f"CHATKEY_DATABASE_PASSWORD_FILE: {path} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigInvalid(f"CHATKEY_DATABASE_PASSWORD_FILE: {path} is not a text.") from None
