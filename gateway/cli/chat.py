"""`chatkey chat`: which chats tokens may open, and the chats that the bot is in."""

from __future__ import annotations

import asyncio
import json

import click

from gateway.cli import chat_states
from gateway.cli.config import configuration
from gateway.cli.registry import administer, consult, moment
from gateway.cli.token import Scope
from gateway.model import Permission

_CHAT_ID = {"ignore_unknown_options": True}
"""Lets an argument begin with the minus of a group's id."""


@click.group(name="chat")
def command() -> None:
    """Authorize and suspend chats, and find the ids of those that the bot is in.

    A running gateway follows within a second. Once the first chat is authorized, all others are refused, unless
    CHATKEY_UNKNOWN_CHATS says otherwise.
    """


for _command in (chat_states.migrate, chat_states.closed):
    command.add_command(_command)


@command.command(context_settings=_CHAT_ID)
@click.argument("chat_id", type=int, metavar="ID")
@click.option(
    "--scope",
    default="write read moderate",
    show_default=True,
    type=Scope(),
    help="The most that any token may do there.",
)
@click.option("--title", metavar="TEXT", help="What it is called; `chatkey chat discover` finds out too.")
def authorize(chat_id: int, scope: frozenset[Permission], title: str | None) -> None:
    """Let tokens open a chat."""
    administer(lambda administration: administration.authorize_chat(chat_id, scope, title))
    click.echo(f"{chat_id} is authorized.")


@command.command(context_settings=_CHAT_ID)
@click.argument("chat_id", type=int, metavar="ID")
def suspend(chat_id: int) -> None:
    """Stop every token of a chat at once, and send nothing there that waits."""
    administer(lambda administration: administration.suspend_chat(chat_id))
    click.echo(f"{chat_id} is suspended.")


@command.command(context_settings=_CHAT_ID)
@click.argument("chat_id", type=int, metavar="ID")
@click.pass_context
def resume(context: click.Context, chat_id: int) -> None:
    """Take back that a chat was suspended; or write to one again that refused the bot, without waiting."""
    chat = consult(lambda registry: registry.chat(chat_id))
    if chat is None or not chat.suspended:
        context.invoke(chat_states.resume, chat_id=chat_id)
        return
    administer(lambda administration: administration.resume_chat(chat_id))
    click.echo(f"{chat_id} is suspended no longer.")


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
def list_(as_json: bool) -> None:
    """Print the chats that were authorized or suspended, and when a token last opened each."""
    for chat in consult(lambda registry: registry.chats()):
        state = "suspended" if chat.suspended else "authorized" if chat.authorized else "not authorized"
        scope = " ".join(each.value for each in Permission if each in chat.permissions)
        if as_json:
            shown = {"id": chat.chat_id, "state": state, "scope": scope, "title": chat.title}
            last = {"created_by": chat.created_by, "created_at": moment(chat.created_at)}
            click.echo(json.dumps({**shown, **last, "last_access_at": moment(chat.last_access_at)}))
        else:
            click.echo(f"{chat.chat_id}\t{state}\t{scope}\t{moment(chat.last_access_at) or '-'}\t{chat.title}")


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
def discover(as_json: bool) -> None:
    """Print the chats in which something happened lately: write to the bot first, or /start@BOT in a group.

    Asks Telegram with the bot's token; what is waiting for the bot stays waiting. With CHATKEY_UPDATES, what the
    gateway has heard of is read instead. Of chats that are authorized or suspended, the title is kept.
    """
    from gateway.app import seen_chats
    from gateway.audit.lines import visible
    from gateway.telegram.failures import BotFailure, BotRefused, Refused
    from gateway.updates.patience import CONFLICT

    config = configuration()
    try:
        chats = asyncio.run(seen_chats(config))
    except BotRefused:
        raise click.ClickException("Telegram refuses the bot token.") from None
    except Refused as refused:
        if refused.code == CONFLICT:
            raise click.ClickException(
                "The bot's updates go elsewhere: set CHATKEY_UPDATES as the gateway has it."
            ) from None
        raise click.ClickException(f"Telegram says: {refused.description}.") from None
    except BotFailure as failure:
        raise click.ClickException(f"Telegram can't be reached: {failure}.") from None
    if config.has_database:
        administer(lambda administration: administration.name_chats({chat.id: chat.title for chat in chats}))
    if not chats and not as_json:
        click.echo(
            "No chat yet: write /start to the bot, or /start@ and its name in a group that it is in, and ask again.",
            err=True,
        )
    for chat in chats:
        if as_json:
            click.echo(json.dumps({"id": chat.id, "type": chat.type, "title": chat.title}))
        else:
            # A title is what somebody in Telegram wrote.
            click.echo(f"{chat.id}\t{chat.type}\t{visible(chat.title, None)}")
