"""`chatkey send`: send a message through a running gateway."""

from __future__ import annotations

import json
import sys
from typing import Any

import click


@click.command(name="send")
@click.argument("text")
@click.option("--chat", "chat_id", type=int, metavar="ID", help="The chat. Default: the one that the key opens.")
@click.option(
    "--format", "text_format", default="plain", type=click.Choice(["plain", "html", "markdown_v2", "markdown"])
)
@click.option(
    "--overflow",
    default="reject",
    type=click.Choice(["reject", "split", "document"]),
    help="What to do with a text of more than 4096 characters: several messages, or a file.",
)
@click.option("--request-id", metavar="NAME", help="Makes a repeat safe: the same name never sends twice.")
@click.option("--silent", is_flag=True, help="Without a sound.")
@click.option("--no-wait", is_flag=True, help="Return as soon as the message is on durable storage.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(text: str, as_json: bool, no_wait: bool, text_format: str, overflow: str, **options: Any) -> None:
    """Send TEXT through a running gateway; `-` reads it from standard input.

    The key comes from CHATKEY_TOKEN_FILE or CHATKEY_TOKEN, the gateway's address from CHATKEY_ADDRESS.
    """
    from chatkey import BlockingClient, ChatkeyError, Overflow, TextFormat, WaitFor
    from gateway.cli.refused import told
    from gateway.model import Permission

    if text == "-":
        text = sys.stdin.read()
    try:
        with BlockingClient() as client:
            message = client.send(
                text,
                text_format=TextFormat[text_format.upper()],
                overflow=Overflow[overflow.upper()],
                wait_for=WaitFor.ACCEPTANCE if no_wait else WaitFor.DELIVERY,
                **options,
            )
    except (ChatkeyError, ValueError) as error:
        raise told(error, Permission.WRITE) from None
    shown = {
        "id": message.id,
        "state": message.state.name,
        "chat_id": message.chat_id,
        "telegram_message_ids": list(message.telegram_message_ids),
    }
    if as_json:
        click.echo(json.dumps(shown))
    else:
        ids = ", ".join(map(str, message.telegram_message_ids))
        click.echo(f"{message.state.name} {message.id}" + (f" (Telegram's message {ids})" if ids else ""))
