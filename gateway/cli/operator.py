"""`chatkey operator`: who may administer over the network. Made on the host alone: no call makes another operator."""

from __future__ import annotations

import asyncio
import secrets
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.config import configuration
from gateway.cli.registry import administer, moment, operator
from gateway.cli.second_factor import OperatorName, enroll, enrolled, require_code, require_enabled, unenroll
from gateway.cli.token import ADDRESSES, Duration, ranges_of, thumbprint_of_file
from gateway.operators import PREFIX, AdminRight

if TYPE_CHECKING:
    from gateway.access.keys import SigningKey
    from gateway.config import Config


class Rights(click.ParamType[frozenset[AdminRight]]):
    """Rights such as `read credentials`."""

    name = "rights"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[AdminRight]:
        """Return the rights."""
        try:
            return frozenset(AdminRight(word) for word in str(value).split())
        except ValueError:
            known = ", ".join(right.value for right in AdminRight)
            self.fail(f"{value!r} has a word that is none of {known}", param, ctx)


@click.group(name="operator")
def command() -> None:
    """Issue and revoke tokens of operators, who administer over the network (CHATKEY_ADMIN_LISTEN).

    Such a token opens no chat, lives 15 minutes at most, and is refused at the door of callers. One of them is revoked
    as any token is: `chatkey token revoke JTI`. For what is critical an operator needs a second factor too: `enroll`.
    """


for _command in (enroll, unenroll, enrolled):
    command.add_command(_command)


@command.command()
@click.option("--name", required=True, type=OperatorName(), metavar="NAME", help="Who will hold it, such as alice.")
@click.option(
    "--scope",
    "rights",
    default="read",
    show_default=True,
    type=Rights(),
    help="What it allows: read, credentials, keys, clients, chats, audit, approve.",
)
@click.option("--ttl", default="15m", show_default=True, type=Duration(), help="How long it is valid; 15m at most.")
@ADDRESSES
@click.option(
    "--certificate", type=click.Path(path_type=Path), metavar="FILE", help="Works only with this certificate (PEM)."
)
@click.option(
    "--second-factor",
    is_flag=True,
    help="Ask for a code of the authenticator now: with the certificate, that is enough for what is critical, for five "
    "minutes.",
)
@click.option("--key", type=click.Path(path_type=Path), metavar="FILE", help="Sign with this key of operators (PEM).")
def token(
    name: str,
    rights: frozenset[AdminRight],
    ttl: timedelta,
    addresses: tuple[str, ...],
    certificate: Path | None,
    second_factor: bool,
    key: Path | None,
) -> None:
    """Print a new token for an operator, alone on standard output."""
    from gateway.access.operator_issue import OperatorIssuer
    from gateway.cli.own_keys import operator_signing_key
    from gateway.clock import SystemClock

    config = configuration()
    if key is None or config.has_database:
        require_enabled(name)
    if second_factor:
        if certificate is None:
            raise click.UsageError("--second-factor goes with --certificate: without one, each call needs a code.")
        require_code(name)
    signing = operator_signing_key(config, key)
    issuer = OperatorIssuer(
        signing,
        issuer=config.issuer,
        audience=config.operator_audience,
        clock=SystemClock(),
        random_bytes=secrets.token_bytes,
    )
    issued = issuer.mint(
        name,
        rights,
        ttl=ttl,
        address_ranges=ranges_of(addresses),
        certificate_thumbprint=thumbprint_of_file(certificate),
        has_second_factor=second_factor,
    )
    if key is None or config.has_database:
        asyncio.run(_note(config, signing, issued.token))
    click.echo(issued.token)
    if sys.stderr.isatty():
        click.echo(f"Token {issued.token_id}, valid until {issued.expires_at:%Y-%m-%d %H:%M:%S} UTC.", err=True)


@command.command()
@click.argument("name", type=OperatorName())
def revoke(name: str) -> None:
    """Revoke every token of an operator that was issued until now."""
    kept = administer(lambda administration: administration.revoke_client(PREFIX + name))
    click.echo(f"Every token of {name} is revoked that was issued until {moment(kept.not_before)}.")


@command.command()
@click.argument("name", type=OperatorName())
def disable(name: str) -> None:
    """Refuse every call of an operator, whatever tokens are issued."""
    administer(lambda administration: administration.disable_client(PREFIX + name))
    click.echo(f"{name} is disabled.")


@command.command()
@click.argument("name", type=OperatorName())
def enable(name: str) -> None:
    """Take back that an operator was disabled."""
    administer(lambda administration: administration.enable_client(PREFIX + name))
    click.echo(f"{name} is enabled.")


async def _note(config: Config, key: SigningKey, text: str) -> None:
    """Keep that a token was issued: without that it is not handed out. Its text is not kept."""
    from gateway.access.keys import KeySet
    from gateway.access.operator_issue import note_issued
    from gateway.access.operator_tokens import OperatorVerifier
    from gateway.clock import SystemClock
    from gateway.store.databases import open_changing

    keys, clock = KeySet([key.verification_key]), SystemClock()
    verifier = OperatorVerifier(keys, issuer=config.issuer, audience=config.operator_audience, clock=clock)
    async with open_changing(config) as store:
        await note_issued(store, verifier.verify(text), operator(), clock)
