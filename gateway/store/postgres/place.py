"""Where the database is, and connections to it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, TypeAlias

import asyncpg

from gateway.config.database import Server, servers
from gateway.store.postgres.dialect import escaped, is_fault, unescaped
from gateway.store.postgres.session import SETTINGS, Unfit, require_fit

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    Connection: TypeAlias = asyncpg.Connection

_log = logging.getLogger(__name__)

_OF_SEVERAL = (
    "SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint, "
    "current_setting('synchronous_standby_names')"
)

CONNECT_S = 5.0
"""Seconds after which a server that does not answer is taken for one that can't be reached."""


class Place:
    """Where the database is.

    Attributes:
        name: What a gateway calls itself there, of its own for each run.
    """

    def __init__(self, url: str, name: str, password: str | None = None, connect_s: float = CONNECT_S) -> None:
        """Take an address.

        Args:
            url: `postgresql://user@host,host/database`, without a password.
            name: What a gateway calls itself there.
            password: None: as libpq finds one (PGPASSWORD, PGPASSFILE, `~/.pgpass`), if the server asks for one.
            connect_s: After how many seconds a server that does not answer can't be reached.
        """
        self.name = name
        self._url = url
        self._password = password
        self._connect_s = connect_s
        self._servers = servers(url)
        self._is_warned = False
        self._timeline = 0

    async def connect(self) -> Connection:
        """Connect to the server that takes writes.

        Raises:
            Unfit: What answers there would not keep what it is given; beside asyncpg's errors and `OSError`.
        """
        faults: list[Exception] = []
        for server in tuple(self._servers):
            try:
                connection = await self._open(server)
            except Exception as fault:
                if not is_fault(fault):
                    raise
                faults.append(fault)
            else:
                # The first one from now on: a machine that is gone would cost each connection its time.
                self._servers.sort(key=lambda known: known != server)
                return connection
        answers = [fault for fault in faults if isinstance(fault, Unfit) or not isinstance(fault, OSError)]
        raise (answers or faults)[-1]

    async def _open(self, server: Server) -> Connection:
        async with asyncio.timeout(self._connect_s):
            connection: Connection = await asyncpg.connect(
                self._url,
                host=server.host,
                port=server.port,
                password=self._password,
                server_settings=SETTINGS | {"application_name": self.name},
            )
            try:
                await require_fit(connection)
                await with_text(connection)
                if len(self._servers) > 1:
                    timeline, standbys = await connection.fetchrow(_OF_SEVERAL) or (0, "")
                    self._require_newest(timeline)
                    self._note(standbys)
            except BaseException:
                connection.terminate()
                raise
        return connection

    def _require_newest(self, timeline: int) -> None:
        """Refuse a primary that another one has replaced and that is back: a promoted server counts a new timeline."""
        if timeline < self._timeline:
            raise Unfit("another server has taken its place: make it a standby of that one")
        self._timeline = timeline

    def _note(self, standbys: str) -> None:
        """Tell the operator once that what is there may be on one machine alone."""
        if not standbys and not self._is_warned:
            _log.warning(
                "the address of the database names several servers, but no commit waits for a standby "
                "(synchronous_standby_names is empty): a failover may lose accepted messages"
            )
        self._is_warned = not standbys


async def with_text(connection: Connection) -> None:
    """Have text escaped on its way there, and back."""
    await connection.set_type_codec("text", schema="pg_catalog", encoder=escaped, decoder=unescaped, format="text")
