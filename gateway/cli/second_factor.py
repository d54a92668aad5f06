"""What `chatkey operator` and `chatkey approval` do with second factors."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gateway.cli.config import configuration
from gateway.cli.registry import moment, operator
from gateway.operators import PREFIX, is_operator_name

if TYPE_CHECKING:
    from gateway.access.approvals import Approvals
    from gateway.access.authenticators import Authenticators
    from gateway.store.databases import AnyStore
    from gateway.store.second_factors import Approval

T = TypeVar("T")

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")


class OperatorName(click.ParamType[str]):
    """The name of an operator."""

    name = "name"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name."""
        if not is_operator_name(value):
            self.fail(f"{value!r} is not 1 to 48 characters of A-Z a-z 0-9 . _ @ -", param, ctx)
        return value


@click.command()
@click.argument("name", type=OperatorName())
@click.option("--replace", is_flag=True, help="Take the place of an authenticator that was lost.")
def enroll(name: str, replace: bool) -> None:
    """Give an operator an authenticator app: shows a QR code once, and asks for the code that the app then shows.

    Without one, or a client certificate, an operator can look but do nothing critical.
    """
    import secrets
    from base64 import b32encode

    import segno

    from gateway.access.one_time_codes import uri_of

    if not sys.stdout.isatty():
        raise click.ClickException("The secret is shown to a person alone: run this in a terminal.")
    secret = b32encode(secrets.token_bytes(20)).decode()
    uri = uri_of(name, secret, configuration().issuer)
    with _aside():
        segno.make(uri, micro=False).terminal(compact=True)
        click.echo(f"Scan it with an authenticator app, or enter this by hand:\n{uri}\n")
        code = _code()
    _with(lambda rooms: rooms[0].enroll(name, secret, code, by=operator(), replaces=replace))
    click.echo(f"{name} is enrolled. What you scanned is not shown again.")


@click.command()
@click.argument("name", type=OperatorName())
def unenroll(name: str) -> None:
    """Forget an operator's authenticator: nothing critical is done on that operator's behalf any more."""
    was_there = _with(lambda rooms: rooms[0].remove(name, by=operator()))
    click.echo(f"{name} has no authenticator{'' if was_there else ', and had none'}.")


@click.command(name="list")
@JSON
def enrolled(as_json: bool) -> None:
    """List the operators who have an authenticator."""

    async def read(store: AnyStore) -> list[dict[str, str | None]]:
        return [
            {
                "operator": kept.operator,
                "enrolled_at": moment(kept.enrolled_at),
                "enrolled_by": kept.enrolled_by,
                "locked_until": moment(kept.locked_until),
            }
            for kept in await store.second_factors.authenticators()
        ]

    for row in _run(read):
        if as_json:
            click.echo(json.dumps(row))
            continue
        locked = f"locked until {row['locked_until']}" if row["locked_until"] else ""
        since = f"enrolled {row['enrolled_at']} by {row['enrolled_by']}"
        click.echo("  ".join(filter(None, [row["operator"], since, locked])))


@click.group(name="approval")
def approvals() -> None:
    """Approve what another operator asked for, where CHATKEY_ADMIN_APPROVAL is two_person."""


@approvals.command(name="list")
@JSON
def pending(as_json: bool) -> None:
    """List the requests that wait for a second person, for five minutes each: who asks, for what, and until when."""
    for each in _with(lambda rooms: rooms[1].pending()):
        shown = _asked(each)
        if as_json:
            click.echo(json.dumps(shown))
        else:
            waits = f"{shown['approval_id']}  {shown['operator']}  {shown['function']}  until {shown['expires_at']}"
            click.echo(f"{waits}  {each.parameters}".rstrip())


@approvals.command()
@click.argument("approval_id", metavar="ID")
@JSON
def show(approval_id: str, as_json: bool) -> None:
    """Print all of a request: what is done once it is approved is this and nothing else."""
    asked = _asked(_with(lambda rooms: rooms[1].get(approval_id)))
    click.echo(json.dumps(asked) if as_json else _readable(asked))


@approvals.command()
@click.argument("approval_id", metavar="ID")
@click.option("--as", "approver", required=True, type=OperatorName(), metavar="NAME", help="The operator you are.")
def approve(approval_id: str, approver: str) -> None:
    """Approve a request: shows it, and asks for a code of your own authenticator.

    Nobody approves a request of their own.
    """
    require_enabled(approver)
    click.echo(_readable(_asked(_with(lambda rooms: rooms[1].get(approval_id)))), err=True)
    code = _code()

    async def approved(rooms: tuple[Authenticators, Approvals]) -> str:
        await rooms[0].require(approver, code)
        return (await rooms[1].approve(approver, approval_id)).function

    click.echo(f"{_with(approved)} is approved: the one who asked may repeat it now, with {approval_id}.")


def require_code(name: str) -> None:
    """Ask for a code of an operator's authenticator, and return if it is good."""
    code = _code()
    _with(lambda rooms: rooms[0].require(name, code))


def require_enabled(name: str) -> None:
    """Return if an operator is not disabled: who is refused at the door is refused on the host too."""

    async def is_disabled(store: AnyStore) -> bool:
        kept = await store.registry.client(PREFIX + name)
        return kept is not None and not kept.enabled

    if _run(is_disabled):
        raise click.ClickException(f"{name} is disabled: `chatkey operator enable` takes that back.")


def _asked(approval: Approval) -> dict[str, Any]:
    from gateway.access.approvals import ends_at

    return {
        "approval_id": approval.approval_id,
        "operator": approval.operator,
        "function": approval.function,
        "parameters": json.loads(approval.parameters or "{}"),
        "asked_at": moment(approval.asked_at),
        "expires_at": moment(ends_at(approval)),
        "approved_by": approval.approved_by,
        "digest": approval.digest.hex(),
    }


def _readable(asked: dict[str, Any]) -> str:
    parameters = json.dumps(asked["parameters"], indent=2)
    return "\n".join(f"{name}: {parameters if name == 'parameters' else value}" for name, value in asked.items())


@contextmanager
def _aside() -> Iterator[None]:
    """Use the terminal's other screen, which leaves nothing behind to scroll back to."""
    has_screens = os.environ.get("TERM", "dumb") != "dumb"
    click.echo("\x1b[?1049h\x1b[H" if has_screens else "", nl=False)
    try:
        yield
    finally:
        click.echo("\x1b[?1049l" if has_screens else "", nl=False)


def _code() -> str:
    return str(click.prompt("Code", err=True)).strip()


def _with(work: Callable[[tuple[Authenticators, Approvals]], Awaitable[T]]) -> T:
    import secrets

    from gateway.access.approvals import Approvals
    from gateway.access.authenticators import Authenticators
    from gateway.clock import SystemClock

    async def run(store: AnyStore) -> T:
        clock = SystemClock()
        factors = store.second_factors
        return await work((Authenticators(factors, clock), Approvals(factors, clock, secrets.token_hex)))

    return _run(run)


def _run(work: Callable[[AnyStore], Awaitable[T]]) -> T:
    from gateway.store.databases import open_changing

    async def run() -> T:
        async with open_changing(configuration()) as store:
            return await work(store)

    return asyncio.run(run())
