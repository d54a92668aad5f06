"""What is done with messages in the database, as `gateway.store.operations` does it in SQLite."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from heapq import merge
from itertools import islice
from operator import itemgetter

from gateway.store import operations, statements
from gateway.store.operations import Added
from gateway.store.postgres.reader import Reading
from gateway.store.postgres.transaction import Transaction
from gateway.store.rows import Row

_PATIENCE_FOR_A_DAY_S = 300.0
"""For what is read once at a start, of all that was handed in within a day: a million take a second or three."""

_BY_US = "SET changed_by = current_setting('application_name'), "
START_MESSAGE = statements.START_MESSAGE.replace("SET ", _BY_US, 1)
SAVE_MESSAGE = statements.SAVE_MESSAGE.replace("SET ", _BY_US, 1)
# SQLite is told with CROSS what to begin with; PostgreSQL finds out by itself.
FORGETTABLE = statements.FORGETTABLE.replace("CROSS JOIN", "JOIN")
FORGET = statements.FORGET.replace("seq = ?2", "seq = ANY(?2::bigint[])")


async def start(message_id: str, at: int, transaction: Transaction) -> Row | None:
    """Begin an attempt and return the message's row; None where none may begin."""
    change = transaction.numbers.change + 1
    row = await transaction.one(START_MESSAGE, change, at, message_id)
    if row is not None:
        transaction.numbers.change = change
    return row


async def save(changing: Row, record: Row | None, transaction: Transaction) -> int | None:
    """Save what changed and return the number of the change; None where the message is not as expected."""
    change = transaction.numbers.change + 1
    if not await transaction.execute(SAVE_MESSAGE, change, *changing):
        return None
    transaction.numbers.change = change
    if record is not None:
        transaction.record(record)
    return change


async def requeue(changing: Row, token: Row, message_id: str, record: Row, transaction: Transaction) -> Added | None:
    """Save what changed and move the message to the end of the order; None where it is not as expected."""
    change = await save(changing, record, transaction)
    if change is None:
        return None
    transaction.numbers.message += 1
    await transaction.execute(statements.REQUEUE_MESSAGE, transaction.numbers.message, *token, message_id)
    return Added(transaction.numbers.message, change)


async def forget(finished_before: int, seqs: Sequence[int], transaction: Transaction) -> int:
    """Remove messages, but for those that were begun anew since they were found; return how many."""
    return await transaction.execute(FORGET, finished_before, seqs)


async def handed_in(since: int, span: int, reading: Reading) -> tuple[int, list[Row]]:
    """Return the last number of a message, and how many were handed in by client and span of time."""
    message, _change, _record = await reading.one(statements.NUMBERS) or (0, 0, 0)
    return message, await reading.every(statements.HANDED_IN, since, span, patience_s=_PATIENCE_FOR_A_DAY_S)


async def changes(client: str, chat_ids: Collection[int], after: int, limit: int, reading: Reading) -> list[Row]:
    """Return the first changes of all chats together: of each chat no more than could be among them."""
    chats = [await reading.every(statements.CHANGES, client, chat_id, after, limit) for chat_id in chat_ids]
    return list(islice(merge(*chats, key=itemgetter(1)), limit))


async def listed(
    chats: Collection[Row], states: Collection[str], after: Row, limit: int, reading: Reading
) -> tuple[list[Row], Row | None]:
    """Return the first messages of all chats together, and the place of the last that was looked at if more may follow.

    Args:
        chats: Client, chat and earliest `accepted_at`, for each chat.
        states: Of these only; empty: of any.
    """
    most = operations.LOOKED_AT if states else limit
    keys = merge(
        *[await reading.every(statements.LISTED, *chat, *after, most + 1) for chat in chats],
        key=itemgetter(0, 1),
        reverse=True,
    )
    found: list[int] = []
    place = None
    for looked_at, (accepted_at, seq, state) in enumerate(keys):
        if looked_at == most or len(found) == limit:
            return await _numbered(found, reading), place
        place = accepted_at, seq
        if not states or state in states:
            found.append(seq)
    return await _numbered(found, reading), None


async def _numbered(seqs: Sequence[int], reading: Reading) -> list[Row]:
    rows = [await reading.one(statements.NUMBERED_MESSAGE, seq) for seq in seqs]
    return [row for row in rows if row is not None]
