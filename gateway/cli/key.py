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


@click.group(name="key")
def command() -> None:
    """Rotate the keys that sign tokens: prepare, activate, revoke.

    A prepared key is published and signs nothing yet. Once activated it signs, and the key that signed before is
    tainted: its tokens stay good and no more are made. When the last of them is over, revoke it. Each change is in the
    audit log, with who made it; where that can't be written, nothing is changed.
    """


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
def list_(as_json: bool) -> None:
    """Print the keys, oldest first, and what is to be done about them."""
    from gateway.access.key_advice import advice

    config = configuration()
    keys = _existing().read()
    advised = advice(keys, datetime.now(UTC), config.token_max_lifetime)
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
def prepare() -> None:
    """Make the next key and publish it; prints its name."""
    click.echo(_administer(_ring, lambda keys: keys.prepare()).kid)


@command.command()
@click.argument("kid", required=False)
@click.option("--at-once", is_flag=True, help="Not five minutes after it was prepared: whoever verifies knows it.")
def activate(kid: str | None, at_once: bool) -> None:
    """Sign with the prepared key from now on, and taint the one that signed before."""
    _tell(_administer(_existing, lambda keys: keys.activate(kid, at_once=at_once)))


@command.command()
@click.argument("kid")
def taint(kid: str) -> None:
    """Sign no more with a key; its tokens stay good."""
    _tell(_administer(_existing, lambda keys: keys.taint(kid)))


@command.command()
@click.argument("kid")
def revoke(kid: str) -> None:
    """Refuse every token that was signed with a key, for ever, and remove its private half."""
    _tell(_administer(_existing, lambda keys: keys.revoke(kid)))


@command.command()
def jwks() -> None:
    """Print the public keys as a JWK set, for CHATKEY_ISSUER_JWKS_FILE and for whoever else verifies."""
    from gateway.access.key_ring import trusted
    from gateway.access.keys import KeySet

    click.echo(json.dumps(KeySet(trusted(_existing().read())).jwks(), indent=2))


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


def _ring() -> KeyRing:
    from gateway.access.key_ring import open_ring

    return open_ring(configuration().data_dir)


def _existing() -> KeyRing:
    """Return the ring; looking at keys makes none."""
    if not (configuration().data_dir / "keys").exists():
        raise click.ClickException("There are no keys yet: `chatkey token issue` and `chatkey serve` make the first.")
    return _ring()
