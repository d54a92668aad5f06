"""`chatkey config`: check and print the configuration."""

from __future__ import annotations

import asyncio
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
    _require_doors(config)
    _require_keys(config)
    click.echo("The configuration is complete.")


def _require_doors(config: Config) -> None:
    from gateway.rpc.address import require_address
    from gateway.rpc.server import require_no_trace

    require_no_trace()
    for listen in filter(None, (config.grpc_listen, config.admin_listen)):
        require_address(listen, encrypted=config.tls_cert_file is not None)


def _require_keys(config: Config) -> None:
    from gateway.app.keys import trust_in
    from gateway.cli.own_keys import operator_verification_keys, verification_keys
    from gateway.clock import SystemClock

    verification_keys(config)
    operator_verification_keys(config)
    for issuer in config.trusted_issuers:
        _, source = trust_in(issuer, config, SystemClock())
        if issuer.jwks_file is not None:
            asyncio.run(source.open())


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
