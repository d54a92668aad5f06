"""Second factors on SQLite, as `gateway.store.second_factors` promises them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

import apsw

from gateway.store import operations
from gateway.store import second_factor_statements as statements
from gateway.store.database import Database
from gateway.store.operations import every, one
from gateway.store.rows import Row, instant, microseconds, record_row
from gateway.store.second_factors import Approval, Authenticator, ChangeApproval, ChangeAuthenticator

T = TypeVar("T")


class Readable(Protocol):
    """Runs what only reads, on a connection."""

    def run(self, work: Callable[[apsw.Connection], T], /) -> Awaitable[T]:
        """Return what `work` returns, or raise `NotDurable`."""


class Writable(Protocol):
    """Runs what writes, each in a transaction of its own or a shared one."""

    def submit(self, work: Callable[[Database], T]) -> Awaitable[T]:
        """Return what `work` returns once it is durable, or raise `NotDurable`."""


class SqliteSecondFactors:
    """Keeps second factors."""

    def __init__(self, writer: Writable, reader: Readable) -> None:
        """Write by `writer` and read by `reader`."""
        self._submit = writer.submit
        self._read = reader.run

    async def authenticators(self) -> Sequence[Authenticator]:
        """Return all of them by operator."""
        return [authenticator_from(row) for row in await self._read(partial(every, statements.AUTHENTICATORS, ()))]

    async def change_authenticator(self, operator: str, change: ChangeAuthenticator) -> Authenticator | None:
        """Keep what `change` makes of an operator's, nothing where it makes None, and return it."""
        return await self._submit(partial(_change_authenticator, operator, change))

    async def approvals(self, asked_from: datetime) -> Sequence[Approval]:
        """Return those that were asked for then or later, the first one first."""
        rows = await self._read(partial(every, statements.APPROVALS, (microseconds(asked_from),)))
        return [approval_from(row) for row in rows]

    async def change_approval(self, approval_id: str, change: ChangeApproval) -> Approval | None:
        """Keep what `change` makes of a request, nothing where it makes None, and return it."""
        return await self._submit(partial(_change_approval, approval_id, change))

    async def forget_approvals(self, asked_before: datetime) -> None:
        """Remove those that were asked for earlier."""
        await self._submit(partial(_forget_approvals, microseconds(asked_before)))


def _change_authenticator(operator: str, change: ChangeAuthenticator, database: Database) -> Authenticator | None:
    row = one(statements.AUTHENTICATOR, (operator,), database.connection)
    before = None if row is None else authenticator_from(row)
    after, record = change(before)
    if after != before:
        database.connection.execute(statements.REMOVE_AUTHENTICATOR, (operator,))
        if after is not None:
            database.connection.execute(statements.PUT_AUTHENTICATOR, authenticator_row(after))
    if record is not None:
        operations.record([record_row(record)], database)
    return after


def _change_approval(approval_id: str, change: ChangeApproval, database: Database) -> Approval | None:
    row = one(statements.APPROVAL, (approval_id,), database.connection)
    before = None if row is None else approval_from(row)
    after, record = change(before)
    if after != before:
        database.connection.execute(statements.REMOVE_APPROVAL, (approval_id,))
        if after is not None:
            database.connection.execute(statements.PUT_APPROVAL, approval_row(after))
    if record is not None:
        operations.record([record_row(record)], database)
    return after


def _forget_approvals(asked_before: int, database: Database) -> None:
    database.connection.execute(statements.FORGET_APPROVALS, (asked_before,))


def authenticator_from(row: Row) -> Authenticator:
    """Return the authenticator of a row."""
    operator, secret, last_step, failures, locked_until, enrolled_by, enrolled_at = row
    return Authenticator(
        operator=operator,
        secret=secret,
        last_step=last_step,
        failures=failures,
        locked_until=None if locked_until is None else instant(locked_until),
        enrolled_by=enrolled_by,
        enrolled_at=instant(enrolled_at),
    )


def authenticator_row(kept: Authenticator) -> Row:
    """Return the columns of an authenticator."""
    locked_until = None if kept.locked_until is None else microseconds(kept.locked_until)
    counted = kept.last_step, kept.failures, locked_until
    return (kept.operator, kept.secret, *counted, kept.enrolled_by, microseconds(kept.enrolled_at))


def approval_from(row: Row) -> Approval:
    """Return the request of a row."""
    approval_id, operator, function, digest, asked_at, approved_by, is_used, parameters = row
    return Approval(
        approval_id=approval_id,
        operator=operator,
        function=function,
        digest=digest,
        asked_at=instant(asked_at),
        approved_by=approved_by,
        is_used=bool(is_used),
        parameters=parameters,
    )


def approval_row(kept: Approval) -> Row:
    """Return the columns of a request."""
    asked = kept.operator, kept.function, kept.digest, microseconds(kept.asked_at)
    return (kept.approval_id, *asked, kept.approved_by, int(kept.is_used), kept.parameters)
