"""`chatkey audit`: look into the log of what was allowed and refused, also beside a running gateway."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import click

from gateway.cli.config import configuration
from gateway.cli.token import Duration
from gateway.model import Record


@click.group(name="audit")
def command() -> None:
    """Look into the log of what was allowed and refused."""


@command.command()
@click.option("--lines", "-n", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many records.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
def tail(lines: int, as_json: bool) -> None:
    """Print the last records, oldest first."""
    records = asyncio.run(_records(lines, newest_first=True))
    _print(list(reversed(records)), as_json)


@command.command()
@click.option("--client", metavar="NAME", help="Who called.")
@click.option("--chat", "chat_id", type=int, metavar="ID", help="The chat of the caller's token.")
@click.option("--decision", type=click.Choice(["allow", "deny", "error"]), help="What was decided.")
@click.option("--reason", metavar="WORD", help="Why, such as chat_mismatch or bad_signature.")
@click.option("--error-id", metavar="ID", help="What the caller was given with its refusal.")
@click.option("--message-id", metavar="ID", help="The message it is about.")
@click.option("--token-id", metavar="ID", help="The token that was used.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000), help="How many records.")
@click.option("--archives", "in_archives", is_flag=True, help="In the archive files too: it takes longer.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
def search(limit: int, in_archives: bool, as_json: bool, **equal: str | int | None) -> None:
    """Print the newest records that fit, newest first."""
    wanted = {name: value for name, value in equal.items() if value is not None}
    found = list(asyncio.run(_records(limit, newest_first=True, **wanted)))
    if in_archives and len(found) < limit:
        found += _archived(limit - len(found), wanted)
    _print(found, as_json)


@command.command()
@click.option(
    "--key", "keys", multiple=True, metavar="HEX", help="A public key to trust instead of this host's; repeatable."
)
@click.option("--expect", multiple=True, metavar="SEQ:LINK", help="A link that was kept elsewhere; repeatable.")
@click.option(
    "--archives",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="DIR",
    help="Where the archive files are; default: audit/archive in the data folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify(keys: Sequence[str], expect: Sequence[str], archives: Path | None, as_json: bool) -> None:
    """Tell whether the log, archive files and database together, is as it was written; ends with 1 if it is not.

    Archive files that are not kept any more are missed, unless --expect names the head that the first one goes on from.

    Keep the head that is printed, or an `audit.checkpoint` line of the gateway's log, somewhere else, and give it back
    with --expect: without it nobody can tell that the end of the log is gone together with every trace of it.
    """
    from gateway.audit import archive, proof
    from gateway.audit.signing import open_signer
    from gateway.store.databases import open_readings

    config = configuration()
    if not keys and not (config.data_dir / "audit").exists():
        raise click.ClickException(f"There is no audit key in {config.data_dir}: name one with --key.")
    trusted = [_bytes(key, "--key") for key in keys] or [open_signer(config.data_dir).public]
    expected = dict(_link(item) for item in expect)

    async def look() -> proof.Verdict:
        async with open_readings(config) as store:
            return await proof.verify(
                store, store.seals, trusted, expected, archives or archive.directory(config.data_dir)
            )

    verdict = asyncio.run(look())
    head = f"{verdict.head[0]}:{verdict.head[1].hex()}"
    if as_json:
        facts = {name: getattr(verdict, name) for name in ("records", "archived", "sealed", "checkpoints", "problems")}
        click.echo(json.dumps({**facts, "head": head}))
    else:
        for problem in verdict.problems:
            click.echo(f"WRONG: {problem}.")
        click.echo(
            f"{verdict.records} records, {verdict.archived} of them archived, {verdict.sealed} sealed, "
            f"{verdict.checkpoints} checkpoints: "
            + ("the log was tampered with." if verdict.problems else f"as written. Head {head}")
        )
    if verdict.problems:
        raise click.exceptions.Exit(1)


@command.command()
@click.option("--older-than", type=Duration(), help="What is older; default: CHATKEY_AUDIT_RETENTION.")
@click.option("--all", "everything", is_flag=True, help="All that is sealed.")
def rotate(older_than: timedelta | None, everything: bool) -> None:
    """Move what is old of the log to files in audit/archive of the data folder; prints the files that were made.

    A running gateway does it by itself, once a day. The files are part of the log and are verified with it: keep them,
    elsewhere if you like, and keep the link that the gateway's log names with the checkpoint that a file ends with.
    """
    from gateway.audit import archive
    from gateway.audit.rotation import Rotation
    from gateway.clock import SystemClock
    from gateway.store.databases import open_changing

    config = configuration()
    age = timedelta() if everything else older_than or config.audit_retention
    if age is None:
        raise click.UsageError("CHATKEY_AUDIT_RETENTION is forever: say --older-than or --all.")
    if not config.has_database:
        raise click.ClickException(f"There is no database at {config.database_path} yet: `chatkey serve` makes it.")

    async def move() -> Sequence[Path]:
        clock = SystemClock()
        async with open_changing(config) as store:
            rotation = Rotation(store, store.seals, archive.directory(config.data_dir), clock)
            return await rotation.rotate(clock.now() - age)

    for path in asyncio.run(move()):
        click.echo(path)


@command.command()
@click.option(
    "--format", "form", default="jsonl", show_default=True, type=click.Choice(["jsonl", "ocsf", "cloudevents"])
)
@click.option("--after", default=0, metavar="SEQ", help="Only records numbered above; for going on where one stopped.")
def export(form: str, after: int) -> None:
    """Print the whole log as lines of JSON, oldest first: as it is, as OCSF events, or as CloudEvents."""
    from gateway.audit import archive
    from gateway.audit.export import FORMS
    from gateway.audit.search import everything
    from gateway.store.databases import open_readings

    config = configuration()

    async def print_all() -> None:
        async with open_readings(config) as store:
            async for seq, record in everything(store, archive.directory(config.data_dir), after):
                click.echo(FORMS[form](seq, record))

    with _readable_archives():
        asyncio.run(print_all())


def _archived(limit: int, wanted: Mapping[str, str | int]) -> Sequence[tuple[int, Record]]:
    """Return the newest records of the archive files that fit, newest first."""
    from gateway.audit import archive
    from gateway.store.databases import open_readings

    config = configuration()

    async def archived_until() -> int:
        async with open_readings(config) as store:
            return await store.seals.archived_until()

    archived = archive.records(archive.directory(config.data_dir), asyncio.run(archived_until()), newest_first=True)
    fitting = (
        (seq, record)
        for seq, record in archived
        if all(getattr(record, name) == value for name, value in wanted.items())
    )
    with _readable_archives():
        return list(islice(fitting, limit))


@contextmanager
def _readable_archives() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise click.ClickException(f"{error.filename} can't be read: {error.strerror}.") from None
    except ValueError as error:
        raise click.ClickException(f"{error}: `chatkey audit verify` says more.") from None


def _link(item: str) -> tuple[int, bytes]:
    seq, _, link = item.partition(":")
    if re.fullmatch("[0-9]{1,18}", seq, re.ASCII) is None:
        raise click.BadParameter("SEQ:LINK is needed, as it was printed", param_hint="--expect")
    return int(seq), _bytes(link, "--expect")


def _bytes(text: str, option: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != 32:
        raise click.BadParameter("64 hexadecimal digits are needed", param_hint=option)
    return found


async def _records(limit: int, *, newest_first: bool, **equal: Any) -> Sequence[tuple[int, Record]]:
    from gateway.store.databases import open_readings

    async with open_readings(configuration()) as store:
        return await store.records(limit=limit, newest_first=newest_first, **equal)


def _print(records: Sequence[tuple[int, Record]], as_json: bool) -> None:
    from gateway.audit.lines import timestamp, to_json_line, visible

    for seq, record in records:
        if as_json:
            click.echo(to_json_line(seq, record))
            continue
        what = " ".join(filter(None, [record.event, record.decision, record.reason]))
        who = record.client if record.verified else f"{record.client}?" if record.client else "-"
        where = f"chat {record.chat_id}" if record.chat_id is not None else ""
        if record.claimed_chat_id is not None:
            where += f" -> {record.claimed_chat_id}"
        times = f"{record.count} times" if record.count > 1 else ""
        about = record.message_id or record.error_id or record.token_id
        facts = " ".join(f"{name}={value}" for name, value in sorted(record.facts.items()))
        line = "  ".join(filter(None, [timestamp(record.at), what, who, where, record.address, times, about, facts]))
        # Once more, and whole: who may write the database or an archive file must not drive the terminal.
        click.echo(line if line.isprintable() else visible(line, None))
