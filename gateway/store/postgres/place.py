"""Where the database is, and connections to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from gateway.store.postgres.dialect import escaped, unescaped

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    Connection: TypeAlias = asyncpg.Connection

CONNECT_S = 5.0
IDLE_MS = 2_000
"""After so long without a statement a transaction is undone by the server: a gateway that stands still with the lock in
its hand would keep all others waiting."""

_SETTINGS = {
    "client_encoding": "UTF8",
    "idle_in_transaction_session_timeout": str(IDLE_MS),
    # A server that waits for a lock or a standby notices by these that whom it works for is gone.
    "client_connection_check_interval": "1000",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}


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
        """Connect to the host that takes writes."""
        connection: Connection = await asyncpg.connect(
            self.url,
            password=self.password,
            timeout=CONNECT_S,
            target_session_attrs=SessionAttribute.read_write,
            server_settings=_SETTINGS | {"application_name": self.name},
        )
        await with_text(connection)
        return connection


async def with_text(connection: Connection) -> None:
    """Have text escaped on its way there, and back."""
    await connection.set_type_codec("text", schema="pg_catalog", encoder=escaped, decoder=unescaped, format="text")
