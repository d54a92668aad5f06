"""`chatkey key`: the keys that sign tokens, on the host that holds them; a running gateway follows within a second."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from gateway.cli.config import configuration
from gateway.cli.registry import operator

if TYPE_CHECKING:
    from gateway.access.key_administration import KeyAdministration
    from gateway.access.key_ring import KeyRing, RingKey

WHOSE = click.option(
    "--for",
    "whose",
    default="callers",
    show_default=True,
    type=click.Choice(["callers", "operators"]),
    help="Whose tokens the keys sign.",
)


@click.group(name="key")
def command() -> None:
    """Rotate the keys that sign tokens: prepare, activate, revoke.

    A prepared key is published and signs nothing yet. Once activated it signs, and the key that signed before is
    tainted: its tokens stay good and no more are made. When the last of them is over, revoke it. Each change is in the
    audit log, with who made it; where that can't be written, nothing is changed.

    Operators' tokens are signed with keys of their own, `--for operators`: no key of callers' tokens makes an operator.
    """


@command.command(name="list")
@WHOSE
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
def list_(whose: str, as_json: bool) -> None:
    """Print the keys, oldest first, and what is to be done about them."""
    from gateway.access.key_advice import advice
    from gateway.access.operator_tokens import MAX_OPERATOR_LIFETIME

    lifetime = configuration().token_max_lifetime if whose == "callers" else MAX_OPERATOR_LIFETIME
    keys = _existing(whose).read()
    advised = advice(keys, datetime.now(UTC), lifetime)
    for key in keys:
        since = key.since[key.state]
        if as_json:
            shown = {state.value: at.isoformat() for state, at in key.since.items()}
            line = {"kid": key.kid, "state": key.state.value, "since": shown, "advice": advised.get(key.kid, "")}
            click.echo(json.dumps(line))
        else:
            click.echo(
                f"{key.kid}  {key.state.value:<8}  {since:%Y-%m-%d %H:%M:%S} UTC  {advised.get(key.kid, '')}".rstrip()
            )


@command.command()
@WHOSE
def prepare(whose: str) -> None:
    """Make the next key and publish it; prints its name."""
    click.echo(_administer(lambda: _ring(whose), lambda keys: keys.prepare()).kid)


@command.command()
@click.argument("kid", required=False)
@WHOSE
@click.option("--at-once", is_flag=True, help="Not five minutes after it was prepared: whoever verifies knows it.")
def activate(kid: str | None, whose: str, at_once: bool) -> None:
    """Sign with the prepared key from now on, and taint the one that signed before."""
    _tell(_administer(lambda: _existing(whose), lambda keys: keys.activate(kid, at_once=at_once)))


@command.command()
@click.argument("kid")
@WHOSE
def taint(kid: str, whose: str) -> None:
    """Sign no more with a key; its tokens stay good."""
    _tell(_administer(lambda: _existing(whose), lambda keys: keys.taint(kid)))


@command.command()
@click.argument("kid")
@WHOSE
def revoke(kid: str, whose: str) -> None:
    """Refuse every token that was signed with a key, for ever, and remove its private half."""
    _tell(_administer(lambda: _existing(whose), lambda keys: keys.revoke(kid)))


@command.command()
@WHOSE
def jwks(whose: str) -> None:
    """Print the public keys as a JWK set, for whoever verifies elsewhere.

    That is CHATKEY_ISSUER_JWKS_FILE, and of operators CHATKEY_OPERATOR_JWKS_FILE.
    """
    from gateway.access.key_ring import trusted
    from gateway.access.keys import KeySet

    click.echo(json.dumps(KeySet(trusted(_existing(whose).read())).jwks(), indent=2))


def _administer(ring: Callable[[], KeyRing], work: Callable[[KeyAdministration], Awaitable[RingKey]]) -> RingKey:
    """Change the ring, on record, on behalf of whoever runs this command."""
    from gateway.access.key_administration import KeyAdministration
    from gateway.clock import SystemClock
    from gateway.store.databases import open_changing

    async def run() -> RingKey:
        keys = ring()
        async with open_changing(configuration()) as store:
            return await work(KeyAdministration(keys, store, SystemClock(), operator()))

    return asyncio.run(run())


def _tell(key: RingKey) -> None:
    click.echo(f"{key.kid} is {key.state.value}.")


def _folder(whose: str) -> str:
    from gateway.access.key_ring import CALLERS, OPERATORS

    return OPERATORS if whose == "operators" else CALLERS


def _ring(whose: str) -> KeyRing:
    from gateway.access.key_ring import open_ring

    return open_ring(configuration().data_dir, _folder(whose))


def _existing(whose: str) -> KeyRing:
    """Return the ring; looking at keys makes none."""
    if not (configuration().data_dir / _folder(whose)).exists():
        verb = "operator token" if whose == "operators" else "token issue"
        raise click.ClickException(f"There are no keys yet: `chatkey {verb}` and `chatkey serve` make the first.")
    return _ring(whose)
