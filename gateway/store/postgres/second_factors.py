"""Second factors, as `gateway.store.second_factors` promises them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from gateway.store import second_factor_statements as statements
from gateway.store.postgres.reader import Reader
from gateway.store.postgres.transaction import Transaction
from gateway.store.postgres.writer import Writer
from gateway.store.rows import microseconds, record_row
from gateway.store.second_factors import Approval, Authenticator, ChangeApproval, ChangeAuthenticator
from gateway.store.second_factors_sqlite import approval_from, approval_row, authenticator_from, authenticator_row


class PostgresSecondFactors:
    """Keeps second factors."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        """Write by `writer` and read by `reader`."""
        self._submit = writer.submit
        self._reader = reader

    async def authenticators(self) -> Sequence[Authenticator]:
        """Return all of them by operator."""
        return [authenticator_from(row) for row in await self._reader.every(statements.AUTHENTICATORS)]

    async def change_authenticator(self, operator: str, change: ChangeAuthenticator) -> Authenticator | None:
        """Keep what `change` makes of an operator's, nothing where it makes None, and return it."""
        return await self._submit(partial(_change_authenticator, operator, change))

    async def approvals(self, asked_from: datetime) -> Sequence[Approval]:
        """Return those that were asked for then or later, the first one first."""
        rows = await self._reader.every(statements.APPROVALS, microseconds(asked_from))
        return [approval_from(row) for row in rows]

    async def change_approval(self, approval_id: str, change: ChangeApproval) -> Approval | None:
        """Keep what `change` makes of a request, nothing where it makes None, and return it."""
        return await self._submit(partial(_change_approval, approval_id, change))

    async def forget_approvals(self, asked_before: datetime) -> None:
        """Remove those that were asked for earlier."""
        await self._submit(partial(_forget_approvals, microseconds(asked_before)))


async def _change_authenticator(
    operator: str, change: ChangeAuthenticator, transaction: Transaction
) -> Authenticator | None:
    row = await transaction.one(statements.AUTHENTICATOR, operator)
    before = None if row is None else authenticator_from(row)
    after, record = change(before)
    if after != before:
        await transaction.execute(statements.REMOVE_AUTHENTICATOR, operator)
        if after is not None:
            await transaction.execute(statements.PUT_AUTHENTICATOR, *authenticator_row(after))
    if record is not None:
        transaction.record(record_row(record))
    return after


async def _change_approval(approval_id: str, change: ChangeApproval, transaction: Transaction) -> Approval | None:
    row = await transaction.one(statements.APPROVAL, approval_id)
    before = None if row is None else approval_from(row)
    after, record = change(before)
    if after != before:
        await transaction.execute(statements.REMOVE_APPROVAL, approval_id)
        if after is not None:
            await transaction.execute(statements.PUT_APPROVAL, *approval_row(after))
    if record is not None:
        transaction.record(record_row(record))
    return after


async def _forget_approvals(asked_before: int, transaction: Transaction) -> None:
    await transaction.execute(statements.FORGET_APPROVALS, asked_before)
