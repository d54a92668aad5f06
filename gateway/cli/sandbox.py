"""`chatkey sandbox`: a Bot API in a box."""

from __future__ import annotations

import asyncio
import contextlib

import click

from gateway.sandbox import FAULT_KINDS

FAULTS = "\n".join(f"  {kind:<20} {meaning}" for kind, meaning in FAULT_KINDS.items())


@click.command(
    name="sandbox",
    epilog=f"\b\nFaults, scripted with POST /sandbox/faults:\n{FAULTS}",
)
@click.option("--listen", default="127.0.0.1:8081", show_default=True, metavar="HOST:PORT", help="Where to serve.")
@click.option(
    "--limits",
    default="telegram",
    show_default=True,
    type=click.Choice(["telegram", "none"]),
    help="Refuse what is too fast, as Telegram does, or nothing.",
)
def command(listen: str, limits: str) -> None:
    """Run a Bot API in a box, as strict as Telegram's, with a page that shows the chats.

    Every well-formed bot token is accepted, and only chats that were added exist:

    \b
      curl -d '{"id": -1001, "type": "supergroup", "title": "Ops"}' http://127.0.0.1:8081/sandbox/chats
      CHATKEY_BOT_API_URL=http://127.0.0.1:8081 chatkey serve
    """
    from gateway.sandbox import serve

    def announce(url: str) -> None:
        click.echo(f"The sandbox is at {url} (Ctrl-C ends it).")

    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(serve(listen, limits, announce=announce))
        except OSError as error:
            raise click.ClickException(f"Can't listen on {listen}: {error.strerror}.") from None
