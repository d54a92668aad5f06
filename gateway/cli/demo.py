"""`chatkey demo`: the whole thing at work, told in plain words, without a Telegram account."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import click


@click.command(name="demo")
def command() -> None:
    """Show the whole thing at work; needs no Telegram account.

    On a terminal it keeps serving afterwards, so that you can try the commands that it prints. Otherwise it ends.
    """
    from gateway.cli.tour import Tour, TourFailed

    with tempfile.TemporaryDirectory(prefix="chatkey-demo-") as folder:
        try:
            asyncio.run(Tour(Path(folder), say=click.echo).run(stay=sys.stdin.isatty()))
        except TourFailed as error:
            raise click.ClickException(f"The tour failed: {error}") from None
