"""`chatkey serve`: run the gateway."""

from __future__ import annotations

import asyncio
import os

import click

from gateway.cli.config import configuration
from gateway.cli.secrecy import keep_memory_to_ourselves
from gateway.errors import ConfigInvalid


@click.command(name="serve")
def command() -> None:
    """Run the gateway until it is told to stop (SIGTERM or Ctrl-C).

    Needs the bot's token in the file that CHATKEY_BOT_TOKEN_FILE names, or in CHATKEY_BOT_TOKEN.
    """
    config = configuration()
    if not (config.bot_token or config.bot_token_file):
        raise ConfigInvalid("No bot token: set CHATKEY_BOT_TOKEN_FILE to a file that holds it.")
    keep_memory_to_ourselves()
    # What gRPC's core says goes past our log: no JSON, not redacted, and twice where we say the same in our words.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from gateway.app import serve
    from gateway.telemetry import configure_logging

    configure_logging(config.log_level, config.log_format)
    asyncio.run(serve(config, announce=lambda line: click.echo(line)))
