"""Where the database is, and connections to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import asyncpg

from gateway.store.postgres.dialect import escaped, unescaped
from gateway.store.postgres.session import SETTINGS, require_fit

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    Connection: TypeAlias = asyncpg.Connection

CONNECT_S = 5.0
"""Seconds after which a server that does not answer is taken for one that can't be reached."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the database is.

    Attributes:
        url: `postgresql://user@host,host/database`, without a password.
        password: None: as libpq finds one (PGPASSWORD, PGPASSFILE, `~/.pgpass`), if the server asks for one.
        name: What a gateway calls itself there, of its own for each run.
    """

    url: str
    name: str
    password: str | None = field(default=None, repr=False)

    async def connect(self) -> Connection:
        """Connect to the host that takes writes.

        Raises:
            Unfit: What answers there would not keep what it is given; beside asyncpg's errors and `OSError`.
        """
        async with asyncio.timeout(CONNECT_S):
            connection: Connection = await asyncpg.connect(
                self.url,
                password=self.password,
                server_settings=SETTINGS | {"application_name": self.name},
            )
            try:
                await require_fit(connection)
                await with_text(connection)
            except BaseException:
                connection.terminate()
                raise
        return connection


async def with_text(connection: Connection) -> None:
    """Have text escaped on its way there, and back."""
    await connection.set_type_codec("text", schema="pg_catalog", encoder=escaped, decoder=unescaped, format="text")
