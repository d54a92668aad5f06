"""What `chatkey operator` and `chatkey approval` do with second factors."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from gateway.cli.config import configuration
from gateway.cli.registry import moment, operator
from gateway.operators import is_operator_name

if TYPE_CHECKING:
    from gateway.access.approvals import Approvals
    from gateway.access.authenticators import Authenticators
    from gateway.store.databases import AnyStore

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

    _show(_run(read), as_json)


@click.group(name="approval")
def approvals() -> None:
    """Approve what another operator asked for, where CHATKEY_ADMIN_APPROVAL is two_person."""


@approvals.command(name="list")
@JSON
def pending(as_json: bool) -> None:
    """List the requests that wait for a second person, for five minutes each."""
    waiting = _with(lambda rooms: rooms[1].pending())
    rows = [
        {
            "approval_id": each.approval_id,
            "operator": each.operator,
            "function": each.function,
            "asked_at": moment(each.asked_at),
            "digest": each.digest.hex(),
        }
        for each in waiting
    ]
    _show(rows, as_json)


@approvals.command()
@click.argument("approval_id", metavar="ID")
@click.option("--as", "approver", required=True, type=OperatorName(), metavar="NAME", help="The operator you are.")
def approve(approval_id: str, approver: str) -> None:
    """Approve a request; asks for a code of your own authenticator. Nobody approves a request of their own."""
    code = _code()

    async def approved(rooms: tuple[Authenticators, Approvals]) -> str:
        await rooms[0].require(approver, code)
        return (await rooms[1].approve(approver, approval_id)).function

    click.echo(f"{_with(approved)} is approved: the one who asked may repeat it now, with {approval_id}.")


def require_code(name: str) -> None:
    """Ask for a code of an operator's authenticator, and return if it is good."""
    code = _code()
    _with(lambda rooms: rooms[0].require(name, code))


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


def _show(rows: list[dict[str, str | None]], as_json: bool) -> None:
    for row in rows:
        click.echo(json.dumps(row) if as_json else "  ".join(value or "-" for value in row.values()))
