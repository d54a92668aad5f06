"""`chatkey chat migrate …`, `chatkey chat closed`, `chatkey chat resume`: what delivery learned of chats.

All of it works on the database, also beside a server, which acts on it within a second.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from gateway.audit.lines import visible
from gateway.cli.config import configuration
from gateway.cli.registry import operator

if TYPE_CHECKING:
    from gateway.store.chats import ChatStore

T = TypeVar("T")


@click.group()
def migrate() -> None:
    """Groups that became supergroups: what is sent to the old id waits for an approval, unless it is followed."""


@migrate.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
def list_(as_json: bool) -> None:
    """Print the groups that became supergroups, as Telegram said."""
    states = _with_chats(lambda chats: chats.chat_states())
    for move in states.moves if states else ():
        what = "approved" if move.approved else "waits for approval"
        noticed_at = move.noticed_at.isoformat(timespec="seconds")
        if as_json:
            line = {"id": move.chat_id, "new_id": move.new_chat_id, "approved": move.approved, "noticed_at": noticed_at}
            click.echo(json.dumps(line))
        else:
            click.echo(f"{move.chat_id}\t{move.new_chat_id}\t{noticed_at}\t{what}")


@migrate.command(context_settings={"ignore_unknown_options": True})
@click.argument("chat_id", type=int, metavar="ID")
def approve(chat_id: int) -> None:
    """Have what is sent to the old ID go to the supergroup that the group became."""
    from gateway.clock import SystemClock
    from gateway.delivery.chats import approved

    record = approved(chat_id, operator(), SystemClock().now())
    move = _with_chats(lambda chats: chats.approve_move(chat_id, record))
    if move is None:
        raise click.ClickException(f"No migration of {chat_id} waits for approval: `chatkey chat migrate list`.")
    click.echo(f"What is sent to {move.chat_id} goes to {move.new_chat_id} from now on.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
def closed(as_json: bool) -> None:
    """Print the chats that refused the bot, and when each is tried again."""
    states = _with_chats(lambda chats: chats.chat_states())
    for closure in states.closures if states else ():
        until = closure.until.isoformat(timespec="seconds")
        if as_json:
            line = {"id": closure.chat_id, "until": until, "code": closure.code, "description": closure.description}
            click.echo(json.dumps(line))
        else:
            click.echo(f"{closure.chat_id}\t{until}\t{closure.code} {visible(closure.description, None)}")


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("chat_id", type=int, metavar="ID")
def resume(chat_id: int) -> None:
    """Write to a chat again that refused the bot, without waiting until it is tried anyway."""
    if not _with_chats(lambda chats: _open(chats, chat_id)):
        raise click.ClickException(f"{chat_id} is not closed: `chatkey chat closed` lists those that are.")
    click.echo(f"{chat_id} is written to again.")


async def _open(chats: ChatStore, chat_id: int) -> bool:
    from gateway.clock import SystemClock
    from gateway.delivery.chats import opened

    states = await chats.chat_states()
    moves = {move.chat_id: move.new_chat_id for move in (states.moves if states else ()) if move.approved}
    present_id = moves.get(chat_id, chat_id)
    return await chats.open_chat(present_id, opened(present_id, "operator", SystemClock().now(), by=operator()))


def _with_chats(work: Callable[[ChatStore], Awaitable[T]]) -> T:
    from gateway.store.databases import open_chat_states

    async def run() -> T:
        async with open_chat_states(configuration()) as chats:
            return await work(chats)

    return asyncio.run(run())
