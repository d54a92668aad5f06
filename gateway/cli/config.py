"""`chatkey config`: check and print the configuration."""

from __future__ import annotations

import json
import os

import click

from gateway.config import Config, describe, load
from gateway.errors import ConfigInvalid


def configuration() -> Config:
    """Return the configuration of this process.

    Raises:
        ConfigInvalid: it is not usable.
    """
    return load(os.environ)


@click.group(name="config")
def command() -> None:
    """Check and print the configuration."""


@command.command()
def check() -> None:
    """Say whether `chatkey serve` would start with this configuration."""
    config = configuration()
    if not (config.bot_token or config.bot_token_file):
        raise ConfigInvalid("No bot token: set CHATKEY_BOT_TOKEN_FILE to a file that holds it.")
    for name in ("bot_token_file", "tls_cert_file", "tls_key_file", "tls_client_ca_file", "bot_api_proxy_file"):
        path = getattr(config, name)
        if path is not None and not os.access(path, os.R_OK):
            raise ConfigInvalid(f"CHATKEY_{name.upper()}: {path} can't be read.")
    click.echo("The configuration is complete.")


@command.command(name="print")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def print_(as_json: bool) -> None:
    """Print every setting, its value and its meaning. Secrets are stars."""
    rows = describe(configuration())
    if as_json:
        click.echo(json.dumps({name: value for name, value, _ in rows}, indent=2))
        return
    for name, value, meaning in rows:
        click.echo(f"{name}={value}\n    {meaning}")
