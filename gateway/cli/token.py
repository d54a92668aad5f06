"""`chatkey token`: issue and look at tokens, without a server; narrow one, through a server."""

from __future__ import annotations

import json
import os
import secrets
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.addresses import AddressRanges
from gateway.cli import credential
from gateway.cli.config import configuration
from gateway.durations import duration
from gateway.model import Grant, Permission

if TYPE_CHECKING:
    from gateway.access.describe import Description

MAX_TOKEN_ID = 64
"""Characters of a token's id. A token is longer."""


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


class Scope(click.ParamType[frozenset[Permission]]):
    """Permissions such as `write read`."""

    name = "scope"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[Permission]:
        """Return the permissions."""
        try:
            return frozenset(Permission(word) for word in str(value).split())
        except ValueError:
            self.fail(f"{value!r} has a word that is none of write, read, moderate", param, ctx)


CHATS = click.option(
    "--chat", "chat_ids", multiple=True, type=int, metavar="ID", help="A chat that it opens; again for each more."
)
THREAD = click.option("--thread", type=int, metavar="ID", help="The one forum topic of the chat that it opens.")
ADDRESSES = click.option(
    "--address", "addresses", multiple=True, metavar="RANGE", help="From where alone it works: 10.0.0.0/8, ::1, …"
)


@click.group(name="token")
def command() -> None:
    """Issue, look at and revoke tokens: the keys of chats."""


for _command in (credential.list_, credential.revoke, credential.canary):
    command.add_command(_command)


@command.command()
@click.option("--client", required=True, metavar="NAME", help="Who will hold it, such as svc:billing.")
@CHATS
@click.option(
    "--scope", default="write", show_default=True, type=Scope(), help="What it allows: write, read, moderate."
)
@THREAD
@click.option("--ttl", default="1h", show_default=True, type=Duration(), help="How long it is valid.")
@ADDRESSES
@click.option(
    "--certificate", type=click.Path(path_type=Path), metavar="FILE", help="Works only with this certificate (PEM)."
)
@click.option("--generation", type=int, metavar="N", help="Ends when a later one is asked of the client.")
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Sign with this key (PEM); needs no data folder, but where there is a database it is noted there.",
)
@click.option("--canary", is_flag=True, help="A bait: every use of it is refused and raises the alarm.")
def issue(
    client: str,
    chat_ids: tuple[int, ...],
    scope: frozenset[Permission],
    thread: int | None,
    ttl: timedelta,
    addresses: tuple[str, ...],
    certificate: Path | None,
    generation: int | None,
    key: Path | None,
    canary: bool,
) -> None:
    """Print a new token for one chat, or for several with the same rights, alone on standard output."""
    from gateway.access.issue import Issuer, Terms
    from gateway.cli.own_keys import signing_key
    from gateway.clock import SystemClock

    if not chat_ids:
        raise click.UsageError("Missing option '--chat'.")
    terms = Terms(
        client=client,
        grants=_grants(chat_ids, scope, thread),
        ttl=ttl,
        address_ranges=ranges_of(addresses),
        certificate_thumbprint=thumbprint_of_file(certificate),
        generation=generation,
    )
    config = configuration()
    if canary and key is not None and not config.has_database:
        raise click.UsageError("--canary needs the gateway's database, and there is none here.")
    signing = signing_key(config, key)
    issuer = Issuer(
        signing,
        issuer=config.issuer,
        audience=config.audience,
        clock=SystemClock(),
        random_bytes=secrets.token_bytes,
        max_ttl=config.token_max_lifetime,
    )
    issued = issuer.mint(terms)
    if key is None or config.has_database:
        credential.note_issued(issued.token, signing)
    if canary:
        credential.mark_canary(issued.token_id)
    click.echo(issued.token)
    if sys.stderr.isatty():
        click.echo(f"Token {issued.token_id}, valid until {issued.expires_at:%Y-%m-%d %H:%M:%S} UTC.", err=True)


@command.command()
@CHATS
@click.option("--scope", type=Scope(), help="What of it: write, read, moderate. Default: all that your token allows.")
@THREAD
@click.option("--ttl", type=Duration(), help="How long it is valid. Default: as long as your token.")
@ADDRESSES
def narrow(
    chat_ids: tuple[int, ...],
    scope: frozenset[Permission] | None,
    thread: int | None,
    ttl: timedelta | None,
    addresses: tuple[str, ...],
) -> None:
    """Print a token that can do less than yours and ends with it, alone on standard output.

    A running gateway makes it, and nobody has to be asked. Your token comes from CHATKEY_TOKEN_FILE or CHATKEY_TOKEN,
    the gateway's address from CHATKEY_ADDRESS. Without --chat it is for all chats of yours.
    """
    import chatkey

    try:
        with chatkey.BlockingClient() as client:
            if (scope or thread) and not chat_ids:
                chat_ids = tuple(grant.chat_id for grant in client.describe().grants)
            permissions = frozenset(chatkey.Permission(permission.name) for permission in scope or ())
            narrowed = client.narrow(
                grants=[
                    chatkey.ChatGrant(grant.chat_id, permissions, grant.message_thread_id)
                    for grant in _grants(chat_ids, frozenset(), thread)
                ],
                ttl=ttl,
                address_ranges=addresses,
            )
    except (chatkey.ChatkeyError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(narrowed.token)
    ends = narrowed.credential.expires_at
    if sys.stderr.isatty() and ends:
        click.echo(f"Token {narrowed.credential.token_id}, valid until {ends:%Y-%m-%d %H:%M:%S} UTC.", err=True)


@command.command()
@click.argument("token", metavar="[TOKEN|JTI]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, of an operator's token too.")
def show(token: str | None, as_json: bool) -> None:
    """Print what a token says, and where the keys are, whether the gateway would take it; or what is kept of a JTI.

    The token is the one given, or CHATKEY_TOKEN_FILE's, or CHATKEY_TOKEN, or with `-` a line of standard input. One on
    the command line can be seen by every process of this machine; the other ways can't.
    """
    if token and len(token) <= MAX_TOKEN_ID and credential.show_issued(token):
        return
    found = _described(_token(token))
    if found.is_operators and not as_json:
        click.echo(found.of_operator())
        return
    click.echo(
        json.dumps(
            {"outcome": found.outcome, "header": found.unverified_header, "claims": found.unverified_claims}, indent=2
        )
    )


def _described(token: str) -> Description:
    from gateway.access.describe import describe
    from gateway.access.operator_tokens import OperatorVerifier
    from gateway.access.tokens import Verifier
    from gateway.cli.own_keys import operator_verification_keys, verification_keys
    from gateway.clock import SystemClock

    config, clock = configuration(), SystemClock()
    keys, of_operators = verification_keys(config), operator_verification_keys(config)
    callers = operators = None
    if keys is not None:
        lifetime = config.token_max_lifetime
        callers = Verifier(keys, issuer=config.issuer, audience=config.audience, clock=clock, max_lifetime=lifetime)
    if of_operators is not None:
        operators = OperatorVerifier(of_operators, issuer=config.issuer, audience=config.operator_audience, clock=clock)
    return describe(token, callers, operators)


def _grants(chat_ids: tuple[int, ...], permissions: frozenset[Permission], thread: int | None) -> tuple[Grant, ...]:
    if thread is not None and len(chat_ids) > 1:
        raise click.UsageError("--thread is a topic of one chat: give one --chat with it.")
    return tuple(Grant(chat_id=chat_id, permissions=permissions, message_thread_id=thread) for chat_id in chat_ids)


def ranges_of(texts: tuple[str, ...]) -> AddressRanges | None:
    """Return what `--address` says; None where it was not given."""
    if not texts:
        return None
    try:
        return AddressRanges.parse(texts)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--address") from None


def thumbprint_of_file(certificate: Path | None) -> str:
    """Return the thumbprint of the certificate that `--certificate` names; empty where it was not given."""
    from gateway.access.confirmation import thumbprint_of

    if certificate is None:
        return ""
    try:
        return thumbprint_of(certificate.read_bytes())
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no certificate in PEM"
        raise click.BadParameter(f"{certificate} can't be read: {why}.", param_hint="--certificate") from None


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
