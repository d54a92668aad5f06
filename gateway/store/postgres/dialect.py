"""What differs from SQLite: placeholders, text with NUL, and which errors are the storage's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import asyncpg

from gateway.errors import NotDurable

_OF_A_STATEMENT = ("22", "23", "42", "54")
_PRIVILEGE = "42501"


@cache
def numbered(sql: str) -> str:
    """Return a statement of the SQLite store with PostgreSQL's placeholders."""
    if "?1" in sql:
        return sql.replace("?", "$")
    first, *rest = sql.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))


def escaped(text: str) -> str:
    """Return text as PostgreSQL can keep it: it takes any character but NUL, and the audit log takes any at all."""
    return text.replace("\\", "\\\\").replace("\0", "\\0") if "\\" in text or "\0" in text else text


def unescaped(text: str) -> str:
    """Return text as it was given to `escaped`."""
    if "\\" not in text:
        return text
    return "\\".join(part.replace("\\0", "\0") for part in text.split("\\\\"))


def unnested(types: Sequence[str]) -> str:
    """Return what makes rows of one array for each column."""
    return f"unnest({', '.join(f'?::{name}[]' for name in types)})"


def arrays(types: Sequence[str], rows: Sequence[Any]) -> list[Sequence[Any]]:
    """Return the values of rows as an array for each column: what a list holds is not escaped on its way."""
    columns = zip(*rows, strict=True) if rows else ((),) * len(types)
    return [
        [None if value is None else escaped(value) for value in column] if name == "text" else list(column)
        for name, column in zip(types, columns, strict=True)
    ]


def is_fault(error: BaseException) -> bool:
    """Whether something is wrong with the storage or the way to it, as opposed to a statement or a value."""
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state == _PRIVILEGE or not state.startswith(_OF_A_STATEMENT)
    if isinstance(error, asyncpg.DataError):
        return False
    return isinstance(error, OSError | TimeoutError | asyncpg.InterfaceError | asyncpg.InternalClientError)


def not_durable(fault: BaseException) -> NotDurable:
    """Return what a caller is told of a fault of the storage: never the server's words."""
    error = NotDurable()
    error.__cause__ = fault
    return error
