"""What holds in every session, whatever the server, the database or the role are set to otherwise."""

from __future__ import annotations

from typing import Any

import asyncpg

OLDEST_SERVER = 16
IDLE_MS = 2_000
"""After so long without a statement a transaction is undone by the server: a gateway that stands still with the lock in
its hand would keep all others waiting."""

SETTINGS = {
    "client_encoding": "UTF8",
    # A commit whose wait for the standby was cancelled says so in a warning, and in nothing else.
    "client_min_messages": "warning",
    # What comes after the lock has to see what was committed before it.
    "default_transaction_isolation": "read committed",
    # How long to wait is this side's to say: a commit is never cancelled.
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": str(IDLE_MS),
    # A server that waits for a lock or a standby notices by these that whom it works for is gone.
    "client_connection_check_interval": "1000",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}

_DURABLE = {"fsync": {"on"}, "synchronous_commit": {"on", "remote_apply"}}
_LOOKED_AT = ("transaction_read_only", "server_encoding", *_DURABLE)
_LOOK = "SELECT pg_backend_pid()" + "".join(f", current_setting('{name}')" for name in _LOOKED_AT)


class Unfit(ConnectionError):
    """A server, or what stands before it, that is not to be used: the text says why."""


async def require_fit(connection: asyncpg.Connection[Any]) -> None:
    """Return if a server takes writes and answers once they are on its disk, and on its standby's if it waits for one.

    Asked of every session, because after a failover it is another server.

    Raises:
        Unfit: It does not.
    """
    pid, *values = await connection.fetchrow(_LOOK) or (0, *_LOOKED_AT)
    found = dict(zip(_LOOKED_AT, values, strict=True))
    if connection.get_server_version() < (OLDEST_SERVER,):
        raise Unfit(f"it is older than PostgreSQL {OLDEST_SERVER}: bring it up to date")
    if pid != connection.get_server_pid():
        raise Unfit("a connection pooler stands before it, and sessions are not kept apart: name the server itself")
    if found["transaction_read_only"] != "off":
        raise Unfit("it takes no writes")
    if found["server_encoding"] != "UTF8":
        raise Unfit(f"the database has server_encoding = {found['server_encoding']}: make one with UTF8")
    for name, allowed in _DURABLE.items():
        if found[name] not in allowed:
            raise Unfit(f"it has {name} = {found[name]} and would lose accepted messages: set it to on")
