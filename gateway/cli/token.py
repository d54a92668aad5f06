"""`chatkey token`: issue and look at tokens, without a server."""

from __future__ import annotations

import json
import os
import secrets
import sys
from datetime import timedelta
from pathlib import Path

import click

from gateway.cli.config import configuration
from gateway.durations import duration
from gateway.model import Permission


class Duration(click.ParamType[timedelta]):
    """A length of time such as `90s`, `15m`, `24h` or `7d`."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the length of time."""
        if isinstance(value, timedelta):
            return value
        try:
            return duration(str(value))
        except ValueError as error:
            self.fail(f"{value!r} is not {error}", param, ctx)


@click.group(name="token")
def command() -> None:
    """Issue and look at tokens: the keys of chats."""


@command.command()
@click.option("--client", required=True, metavar="NAME", help="Who will hold it, such as svc:billing.")
@click.option("--chat", "chat_id", required=True, type=int, metavar="ID", help="The one chat that it opens.")
@click.option(
    "--scope", default="write", show_default=True, metavar="SCOPE", help="What it allows: write, read, moderate."
)
@click.option("--ttl", default="1h", show_default=True, type=Duration(), help="How long it is valid.")
@click.option(
    "--key", type=click.Path(path_type=Path), metavar="FILE", help="Sign with this key (PEM); needs no data folder."
)
def issue(client: str, chat_id: int, scope: str, ttl: timedelta, key: Path | None) -> None:
    """Print a new token for one chat, alone on standard output."""
    from gateway.access.issue import Issuer
    from gateway.cli.own_keys import signing_key
    from gateway.clock import SystemClock

    try:
        permissions = frozenset(Permission(word) for word in scope.split())
    except ValueError:
        wrong = f"{scope!r} has a word that is none of write, read, moderate"
        raise click.BadParameter(wrong, param_hint="--scope") from None
    config = configuration()
    issuer = Issuer(
        signing_key(config, key),
        issuer=config.issuer,
        audience=config.audience,
        clock=SystemClock(),
        random_bytes=secrets.token_bytes,
        max_ttl=config.token_max_lifetime,
    )
    issued = issuer.issue(client=client, chat_id=chat_id, permissions=permissions, ttl=ttl)
    click.echo(issued.token)
    if sys.stderr.isatty():
        click.echo(f"Token {issued.token_id}, valid until {issued.expires_at:%Y-%m-%d %H:%M:%S} UTC.", err=True)


@command.command()
@click.argument("token", required=False)
def show(token: str | None) -> None:
    """Print what a token says, and where the keys are, whether the gateway would take it.

    The token is the one given, or CHATKEY_TOKEN_FILE's, or CHATKEY_TOKEN, or with `-` a line of standard input. One on
    the command line can be seen by every process of this machine; the other ways can't.
    """
    from gateway.access.describe import describe
    from gateway.access.tokens import Verifier
    from gateway.cli.own_keys import verification_keys
    from gateway.clock import SystemClock

    config = configuration()
    verifier = None
    keys = verification_keys(config)
    if keys is not None:
        verifier = Verifier(
            keys,
            issuer=config.issuer,
            audience=config.audience,
            clock=SystemClock(),
            max_lifetime=config.token_max_lifetime,
        )
    found = describe(_token(token), verifier)
    click.echo(
        json.dumps(
            {"outcome": found.outcome, "header": found.unverified_header, "claims": found.unverified_claims}, indent=2
        )
    )


def _token(argument: str | None) -> str:
    if argument == "-":
        return sys.stdin.readline().strip()
    if argument:
        return argument
    if path := os.environ.get("CHATKEY_TOKEN_FILE"):
        try:
            return Path(path).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            raise click.ClickException(f"CHATKEY_TOKEN_FILE: no token can be read from {path}.") from None
    if value := os.environ.get("CHATKEY_TOKEN"):
        return value
    raise click.UsageError("No token: give one, or set CHATKEY_TOKEN or CHATKEY_TOKEN_FILE.")
