"""`chatkey audit`: look into the log of what was allowed and refused, also beside a running gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import click

from gateway.cli.config import configuration
from gateway.model import Record


@click.group(name="audit")
def command() -> None:
    """Look into the log of what was allowed and refused."""


@command.command()
@click.option("--lines", "-n", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many records.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
def tail(lines: int, as_json: bool) -> None:
    """Print the last records, oldest first."""
    records = asyncio.run(_records(lines, newest_first=True))
    _print(list(reversed(records)), as_json)


@command.command()
@click.option("--client", metavar="NAME", help="Who called.")
@click.option("--chat", "chat_id", type=int, metavar="ID", help="The chat of the caller's token.")
@click.option("--decision", type=click.Choice(["allow", "deny", "error"]), help="What was decided.")
@click.option("--reason", metavar="WORD", help="Why, such as chat_mismatch or bad_signature.")
@click.option("--error-id", metavar="ID", help="What the caller was given with its refusal.")
@click.option("--message-id", metavar="ID", help="The message it is about.")
@click.option("--token-id", metavar="ID", help="The token that was used.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000), help="How many records.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
def search(limit: int, as_json: bool, **equal: str | int | None) -> None:
    """Print the newest records that fit, newest first."""
    wanted = {name: value for name, value in equal.items() if value is not None}
    _print(asyncio.run(_records(limit, newest_first=True, **wanted)), as_json)


async def _records(limit: int, *, newest_first: bool, **equal: Any) -> Sequence[tuple[int, Record]]:
    from gateway.store.sqlite import read_sqlite

    async with read_sqlite(configuration().database_path) as store:
        return await store.records(limit=limit, newest_first=newest_first, **equal)


def _print(records: Sequence[tuple[int, Record]], as_json: bool) -> None:
    from gateway.audit.lines import timestamp, to_json_line

    for seq, record in records:
        if as_json:
            click.echo(to_json_line(seq, record))
            continue
        what = " ".join(filter(None, [record.event, record.decision, record.reason]))
        who = record.client if record.verified else f"{record.client}?" if record.client else "-"
        where = f"chat {record.chat_id}" if record.chat_id is not None else ""
        if record.claimed_chat_id is not None:
            where += f" -> {record.claimed_chat_id}"
        times = f"{record.count} times" if record.count > 1 else ""
        about = record.message_id or record.error_id
        click.echo("  ".join(filter(None, [timestamp(record.at), what, who, where, record.address, times, about])))
