"""The registry as a command reaches it: in the database, also beside a running gateway, which follows by itself."""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import click

from gateway.cli.config import configuration

if TYPE_CHECKING:
    from gateway.access.administration import Administration
    from gateway.store.registry import RegistryReader

T = TypeVar("T")


def administer(work: Callable[[Administration], Awaitable[T]]) -> T:
    """Change the registry, on behalf of whoever runs this command."""
    from gateway.access.administration import Administration
    from gateway.clock import SystemClock
    from gateway.store.databases import open_changing

    async def run() -> T:
        async with open_changing(configuration()) as store:
            return await work(Administration(store.registry, SystemClock(), operator()))

    return asyncio.run(run())


def consult(work: Callable[[RegistryReader], Awaitable[T]]) -> T:
    """Look into the registry; looking makes none."""
    from gateway.store.databases import open_registry_readings

    config = configuration()
    if not config.has_database:
        raise click.ClickException(f"There is no database at {config.database_path} yet: `chatkey serve` makes it.")

    async def run() -> T:
        async with open_registry_readings(config) as registry:
            return await work(registry)

    return asyncio.run(run())


def operator() -> str:
    """Return who runs this command, for the audit log: by the process, since an environment says what it likes."""
    uid = os.getuid()
    try:
        return f"os:{pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"os:{uid}"


def moment(at: datetime | None) -> str | None:
    """Return an instant, which is UTC, to the second; None for none."""
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"
