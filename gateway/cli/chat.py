"""`chatkey chat`: the chats that the bot knows."""

from __future__ import annotations

import asyncio
import json

import click

from gateway.cli.chat_states import closed, migrate, resume
from gateway.cli.config import configuration


@click.group(name="chat")
def command() -> None:
    """Find the ids of the chats that the bot is in."""


for _command in (migrate, closed, resume):
    command.add_command(_command)


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
def list_(as_json: bool) -> None:
    """Print the chats in which something happened lately: write to the bot first, or in a group that it is in.

    Asks Telegram with the bot's token; what is waiting for the bot stays waiting.
    """
    from gateway.app import seen_chats
    from gateway.telegram.failures import BotFailure, BotRefused, Refused

    try:
        chats = asyncio.run(seen_chats(configuration()))
    except BotRefused:
        raise click.ClickException("Telegram refuses the bot token.") from None
    except Refused as refused:
        raise click.ClickException(f"Telegram says: {refused.description}.") from None
    except BotFailure as failure:
        raise click.ClickException(f"Telegram can't be reached: {failure}.") from None
    if not chats and not as_json:
        click.echo(
            "No chat yet: write /start to the bot, or a message in a group that it is in, and ask again.", err=True
        )
    for chat in chats:
        if as_json:
            click.echo(json.dumps({"id": chat.id, "type": chat.type, "title": chat.title}))
        else:
            click.echo(f"{chat.id}\t{chat.type}\t{chat.title}")
