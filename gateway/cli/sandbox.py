"""`chatkey sandbox`: a Bot API in a box."""

from __future__ import annotations

import asyncio
import contextlib

import click

from gateway.config import host_and_port
from gateway.sandbox import FAULT_KINDS, LimitsName, Sandbox, running

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
def command(listen: str, limits: LimitsName) -> None:
    """Run a Bot API in a box, as strict as Telegram's, with a page that shows the chats.

    Every well-formed bot token is accepted, and only chats that were added exist:

    \b
      curl -d '{"id": -1001, "type": "supergroup", "title": "Ops"}' http://127.0.0.1:8081/sandbox/chats
      CHATKEY_BOT_API_URL=http://127.0.0.1:8081 chatkey serve
    """
    try:
        where = host_and_port(listen)
    except ValueError as error:
        raise click.BadParameter(f"{listen!r} is not {error}", param_hint="--listen") from None
    host, _, port = where.rpartition(":")
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(_serve(Sandbox(limits=limits), host.strip("[]"), int(port)))
        except OSError as error:
            raise click.ClickException(f"Can't listen on {listen}: {error.strerror}.") from None


async def _serve(sandbox: Sandbox, host: str, port: int) -> None:
    async with running(sandbox, host, port) as url:
        click.echo(f"The sandbox is at {url} (Ctrl-C ends it).")
        await asyncio.Event().wait()
