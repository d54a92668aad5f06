"""`chatkey client`: who may hold tokens, and what holds for them whatever a token says."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gateway.addresses import AddressRanges
from gateway.cli.registry import administer, consult, moment
from gateway.cli.token import Duration

if TYPE_CHECKING:
    from gateway.store.registry import StoredClient

F = TypeVar("F", bound=Callable[..., Any])

_UNSET = {"chats": "any", "addresses": "any", "per_minute": "as all", "per_day": "as all", "queue_depth": "as all"}
"""How a term is shown that was not set; an instant that never was is a dash."""


def _terms(command: F) -> F:
    """Add the options of what can be said of a client."""
    options = (
        click.option(
            "--chat", "chat_ids", multiple=True, type=int, metavar="ID", help="A chat that it may open; again for more."
        ),
        click.option("--any-chat", is_flag=True, help="Whatever chat a token says."),
        click.option("--address", "addresses", multiple=True, metavar="RANGE", help="From where alone it may call."),
        click.option("--any-address", is_flag=True, help="From anywhere."),
        click.option("--per-minute", type=click.IntRange(0), metavar="N", help="Messages in a minute; 0: any number."),
        click.option("--per-day", type=click.IntRange(0), metavar="N", help="Messages in a day; 0: any number."),
        click.option("--queue-depth", type=click.IntRange(0), metavar="N", help="Messages that wait; 0: any number."),
        click.option("--min-generation", type=click.IntRange(0), metavar="N", help="Refuse tokens of an earlier one."),
        click.option(
            "--second-factor/--no-second-factor",
            default=None,
            help="It hands on tokens and moderates only with one that is bound to a certificate.",
        ),
        click.option("--label", metavar="TEXT", help="For people."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group(name="client")
def command() -> None:
    """Register, restrict and disable clients: those who hold tokens.

    A running gateway follows within a second. Once the first client is added, all others are refused, unless
    CHATKEY_UNKNOWN_CLIENTS says otherwise.
    """


@command.command()
@click.argument("name")
@_terms
def add(name: str, **options: Any) -> None:
    """Register a client; its NAME is the `sub` of its tokens."""
    terms = _given(options)
    client = administer(lambda administration: administration.add_client(name, terms))
    click.echo(f"{name} is registered{'' if client.enabled else ', and disabled'}.")


@command.command(name="set")
@click.argument("name")
@_terms
def set_(name: str, **options: Any) -> None:
    """Change what holds for a client: what is given, and nothing else."""
    terms = _given(options)
    if not terms:
        raise click.UsageError("Nothing to change: give an option.")
    administer(lambda administration: administration.set_client(name, terms))
    click.echo(f"{name} is changed.")


@command.command()
@click.argument("name")
def disable(name: str) -> None:
    """Refuse every call of a client, and send none of its messages that wait."""
    administer(lambda administration: administration.disable_client(name))
    click.echo(f"{name} is disabled.")


@command.command()
@click.argument("name")
def enable(name: str) -> None:
    """Take back that a client was disabled."""
    administer(lambda administration: administration.enable_client(name))
    click.echo(f"{name} is enabled.")


@command.command(name="list")
@click.option("--stale", type=Duration(), metavar="TIME", help="Those alone that were not seen for so long: 30d.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
def list_(stale: timedelta | None, as_json: bool) -> None:
    """Print the clients, and when each was last seen and from where."""
    clients = consult(lambda registry: registry.clients())
    for client in clients:
        if stale is not None and not _is_stale(client, stale):
            continue
        if as_json:
            click.echo(json.dumps(_shown(client)))
        else:
            seen = f"seen {moment(client.last_seen_at) or 'never'} {client.last_seen_from}".rstrip()
            click.echo("  ".join(filter(None, [client.name, _state(client), seen, client.label])))


@command.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(name: str, as_json: bool) -> None:
    """Print all that is kept of a client."""
    client = consult(lambda registry: registry.client(name))
    if client is None:
        raise click.ClickException(f"Nothing is known of {name}: `chatkey client list` shows the clients.")
    shown = _shown(client)
    if as_json:
        click.echo(json.dumps(shown))
        return
    for field, value in shown.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        click.echo(f"{field}: {_UNSET.get(field, '-') if value is None else text}")


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the terms that were given, as `Administration` takes them."""
    chat_ids, addresses = options.pop("chat_ids"), options.pop("addresses")
    any_chat, any_address = options.pop("any_chat"), options.pop("any_address")
    terms = {name: value for name, value in options.items() if value is not None}
    if any_chat and chat_ids:
        raise click.UsageError("--chat and --any-chat contradict each other.")
    if any_address and addresses:
        raise click.UsageError("--address and --any-address contradict each other.")
    if any_chat or chat_ids:
        terms["chat_ids"] = frozenset(chat_ids) or None
    if any_address or addresses:
        terms["address_ranges"] = _ranges(addresses) if addresses else None
    return terms


def _ranges(texts: tuple[str, ...]) -> AddressRanges:
    try:
        return AddressRanges.parse(texts)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--address") from None


def _is_stale(client: StoredClient, stale: timedelta) -> bool:
    return (client.last_seen_at or client.created_at) < datetime.now(UTC) - stale


def _state(client: StoredClient) -> str:
    if not client.enabled:
        return "disabled"
    return "enabled" if client.registered else "not registered"


def _shown(client: StoredClient) -> dict[str, Any]:
    return {
        "name": client.name,
        "state": _state(client),
        "label": client.label,
        "chats": None if client.chat_ids is None else sorted(client.chat_ids),
        "addresses": None if client.address_ranges is None else list(client.address_ranges.texts),
        "per_minute": client.quota.per_minute,
        "per_day": client.quota.per_day,
        "queue_depth": client.quota.queue_depth,
        "min_generation": client.min_generation,
        "revoked_until": moment(client.not_before),
        "second_factor": client.second_factor,
        "created_by": client.created_by,
        "created_at": moment(client.created_at),
        "last_seen_at": moment(client.last_seen_at),
        "last_seen_from": client.last_seen_from or None,
        "last_denied_at": moment(client.last_denied_at),
        "last_denied_from": client.last_denied_from or None,
    }
