"""`chatkey receive`: print what happens in chats, as a running gateway tells it."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from chatkey import Sender, Update, User

PATIENCE = 10.0
"""Seconds in which a gateway has to answer at first."""


@click.command(name="receive")
@click.option("--chat", "chat_ids", type=int, multiple=True, metavar="ID", help="Only this chat; may be repeated.")
@click.option("--from-oldest", is_flag=True, help="Begin with the oldest that the gateway still keeps.")
@click.option("--cursor", default="", metavar="CURSOR", help="Go on where an earlier line with --json ended.")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after so many. Default: never.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON objects, one a line.")
def command(as_json: bool, count: int | None, **wish: Any) -> None:
    """Print what happens in the chats that the key may read, as it happens, until Ctrl-C.

    The key, which needs the permission `read`, comes from CHATKEY_TOKEN_FILE or CHATKEY_TOKEN, the gateway's
    address from CHATKEY_ADDRESS. The gateway has to take updates: CHATKEY_UPDATES.
    """
    from chatkey import BlockingClient, ChatkeyError
    from gateway.cli.refused import told
    from gateway.model import Permission

    try:
        with suppress(KeyboardInterrupt), BlockingClient() as client:
            # A stream that breaks is waited for, for ever: whoever never had one is told that nobody is there.
            client.describe(timeout=PATIENCE)
            for update in islice(client.updates(**wish), count):
                click.echo(_json_of(update) if as_json else _line_of(update))
    except (ChatkeyError, ValueError) as error:
        raise told(error, Permission.READ) from None


def _json_of(update: Update) -> str:
    from dataclasses import asdict
    from datetime import datetime, timedelta
    from enum import Enum

    def plain(value: object) -> object:
        if isinstance(value, Enum):
            return value.value
        if isinstance(value, timedelta):
            return value.total_seconds()
        assert isinstance(value, datetime)  # noqa: S101 - there is nothing else in an update
        return value.isoformat()

    return json.dumps(asdict(update), default=plain)


def _line_of(update: Update) -> str:
    from gateway.audit.lines import visible

    at = update.received_at.isoformat(timespec="seconds") if update.received_at else ""
    line = f"{at} {update.chat_id} {update.kind.value.lower()} {_said(update)}".rstrip()
    # People write what they like, which may move the cursor of a terminal.
    return line if line.isprintable() else visible(line, None)


def _said(update: Update) -> str:
    from chatkey import CallbackQuery, IncomingMessage, MessageReaction

    content = update.content
    if isinstance(content, IncomingMessage):
        shown = type(content.event).__name__ if content.event else content.media.kind.value if content.media else ""
        return f"{_sender(content.sender)}: {' '.join(filter(None, [shown, content.text]))}"
    if isinstance(content, CallbackQuery):
        return f"{_user(content.user)}: {content.data}"
    if isinstance(content, MessageReaction):
        return f"{_sender(content.sender)}: {' '.join(each.emoji or '?' for each in content.new_reactions)}"
    return ""


def _sender(sender: Sender) -> str:
    return _user(sender.user) if sender.user else sender.title


def _user(user: User | None) -> str:
    return f"{user.first_name} {user.last_name}".strip() if user else ""
