"""Updates as rows, and back; and how many rows of each place make a page."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from heapq import merge
from itertools import islice, takewhile
from operator import itemgetter

from gateway.model import Update, UpdateKind
from gateway.store import update_statements as statements
from gateway.store.rows import Row, instant, microseconds
from gateway.store.updates import SeenChat, UpdatePage, UpdatePlace

MOST_CHATS = 1000
"""Of how many new updates the chats are told at once."""


def update_row(update: Update) -> Row:
    """Return the columns of an update behind `seq`."""
    return (
        update.update_id,
        update.kind.value,
        update.chat_id,
        update.message_thread_id or 0,
        update.callback_id or None,
        microseconds(update.received_at),
        update.content,
    )


def update_from(row: Row) -> Update:
    """Return the update of a row."""
    seq, update_id, kind, chat_id, message_thread_id, callback_id, received_at, content = row
    return Update(
        seq=seq,
        update_id=update_id,
        kind=UpdateKind(kind),
        chat_id=chat_id,
        message_thread_id=message_thread_id or None,
        callback_id=callback_id or "",
        received_at=instant(received_at),
        content=bytes(content),
    )


def queries(
    places: Collection[UpdatePlace], kinds: Collection[UpdateKind], after: int, limit: int
) -> Iterator[tuple[str, Row, str, Row]]:
    """Yield, for each place, what reads its updates and what reads up to where they are forgotten, with the values."""
    names = sorted({kind.value for kind in kinds})
    for place in set(places):
        is_topic = place.message_thread_id is not None
        where = (place.chat_id, *((place.message_thread_id,) if is_topic else ()), *names)
        page = statements.page(len(names), is_topic=is_topic)
        yield page, (*where, after, limit), statements.forgotten(len(names), is_topic=is_topic), where


def page_from(found: Sequence[tuple[Sequence[Row], int]], last: int, limit: int) -> UpdatePage:
    """Return the first updates of all places together.

    Args:
        found: For each place its rows and up to where it is forgotten.
        last: The number of the last update of all, read before them.
    """
    rows = {row[0]: row for row in islice(merge(*(rows for rows, _ in found), key=itemgetter(0)), 2 * limit)}
    updates = [update_from(row) for row in islice(rows.values(), limit)]
    upto = updates[-1].seq if len(updates) == limit else last
    return UpdatePage(updates=updates, upto=upto, forgotten=max((forgotten for _, forgotten in found), default=0))


def chats_from(rows: Sequence[Row], after: int) -> tuple[int, Collection[int]]:
    """Return the number of the last of these rows, and the chats in them."""
    return rows[-1][0] if rows else after, {chat_id for _seq, chat_id in rows}


def numbered(rows: Sequence[Row], known: Collection[int], last: int) -> list[Row]:
    """Return the rows whose `update_id` is not known, each once, with numbers behind `last`."""
    new: dict[int, Row] = {}
    for row in rows:
        if row[0] not in known:
            new.setdefault(row[0], row)
    return [(seq, *row) for seq, row in enumerate(new.values(), last + 1)]


def forgettable(first: Sequence[Row], received_before: int) -> tuple[list[Row], list[Row]]:
    """Return those of the first rows that are old, and up to where that makes each place and kind forgotten."""
    old = list(takewhile(lambda row: row[4] < received_before, first))
    return old, [(*place, seq) for place, seq in {tuple(row[1:4]): row[0] for row in old}.items()]


def seen_row(chat: SeenChat) -> Row:
    """Return the columns of a chat of which was heard."""
    return chat.chat_id, chat.type, chat.title, microseconds(chat.seen_at)


def seen_from(row: Row) -> SeenChat:
    """Return the chat of a row."""
    chat_id, kind, title, seen_at = row
    return SeenChat(chat_id=chat_id, type=kind, title=title, seen_at=instant(seen_at))
