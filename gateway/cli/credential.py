"""`chatkey token list`, `chatkey token revoke`, and what they rest on: which tokens were issued here."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.config import configuration
from gateway.cli.registry import administer, consult, moment

if TYPE_CHECKING:
    from gateway.access.keys import SigningKey
    from gateway.store.registry import IssuedToken, RegistryReader


class Instant(click.ParamType[datetime]):
    """An instant such as `2026-11-24T12:00:00Z`: RFC 3339, with its zone."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the instant."""
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            self.fail(f"{value!r} is no instant such as 2026-11-24T12:00:00Z", param, ctx)
        return at.astimezone(UTC)


def note_issued(token: str, key: SigningKey) -> None:
    """Keep that a token was issued: without that it is not handed out. Its text is not kept."""
    from gateway.access.keys import KeySet
    from gateway.access.tokens import Verifier
    from gateway.clock import SystemClock

    config = configuration()
    verifier = Verifier(
        KeySet([key.verification_key]),
        issuer=config.issuer,
        audience=config.audience,
        clock=SystemClock(),
        max_lifetime=config.token_max_lifetime,
    )
    administer(lambda administration: administration.note_issued(verifier.verify(token)))


def mark_canary(token_id: str) -> None:
    """Make a token a bait."""
    administer(lambda administration: administration.mark_canary(token_id))


@click.command(name="list")
@click.option("--client", metavar="NAME", help="Those of one client.")
@click.option("--all", "with_ended", is_flag=True, help="Expired and revoked ones too.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000), help="Look at so many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
def list_(client: str | None, with_ended: bool, limit: int, as_json: bool) -> None:
    """Print the tokens that were issued here and are good, newest first: their ids, never their text."""

    async def found(registry: RegistryReader) -> list[tuple[IssuedToken, str]]:
        tokens = await registry.issued_tokens(client, limit)
        return list(zip(tokens, await _states(registry, tokens), strict=True))

    for token, state in consult(found):
        if with_ended or state == "valid":
            click.echo(json.dumps(_shown(token, state)) if as_json else _line(token, state))


def show_issued(token_id: str) -> bool:
    """Print what is kept of a token that was issued here; return whether there is one."""

    async def found(registry: RegistryReader) -> tuple[IssuedToken, str] | None:
        token = await registry.issued_token(token_id)
        return None if token is None else (token, (await _states(registry, [token]))[0])

    if not configuration().has_database or (known := consult(found)) is None:
        return False
    click.echo(json.dumps(_shown(*known), indent=2))
    return True


@click.command()
@click.argument("token_id", metavar="[JTI]", required=False)
@click.option("--client", metavar="NAME", help="Every token of a client.")
@click.option("--key", "key_id", metavar="KID", help="Every token that a key signed.")
@click.option("--issuer", metavar="ISS", help="Whose key; default: our own.")
@click.option("--everybody", is_flag=True, help="Every token of everybody; needs --all-before.")
@click.option("--all-before", type=Instant(), metavar="TIME", help="Those issued then or earlier; default: until now.")
def revoke(
    token_id: str | None,
    client: str | None,
    key_id: str | None,
    issuer: str | None,
    everybody: bool,
    all_before: datetime | None,
) -> None:
    """Revoke a token by its id, or all of a client, of a key, or of everybody.

    It is on disk before this command ends; a running gateway refuses within a second, and sends none of the messages
    that wait. What is revoked already, or is not known, is revoked all the same.
    """
    if sum(map(bool, (token_id, client, key_id, everybody))) != 1:
        raise click.UsageError("Say what to revoke: a JTI, --client, --key, or --everybody.")
    if all_before and not (client or everybody):
        raise click.UsageError("--all-before goes with --client or --everybody.")
    if issuer and not key_id:
        raise click.UsageError("--issuer goes with --key.")
    if token_id:
        is_news = administer(lambda administration: administration.revoke_token(token_id))
        click.echo(f"{token_id} {'is' if is_news else 'was'} revoked{'' if is_news else ' already'}.")
    elif client:
        kept = administer(lambda administration: administration.revoke_client(client, all_before))
        click.echo(f"Every token of {client} is revoked that was issued until {moment(kept.not_before)}.")
    elif key_id:
        whose = issuer or configuration().issuer
        administer(lambda administration: administration.revoke_key(whose, key_id))
        click.echo(f"Every token is revoked that {key_id} of {whose} signed.")
    elif all_before:
        administer(lambda administration: administration.revoke_all(all_before))
        click.echo(f"Every token is revoked that was issued until {moment(all_before)}.")
    else:
        raise click.UsageError("--everybody needs --all-before.")


@click.command()
@click.argument("token_id", metavar="JTI")
def canary(token_id: str) -> None:
    """Make a token a bait: from now on every use of it is refused and raises the alarm, even when it has expired.

    Put it where only a thief would find it. Whoever uses it is answered as with any bad token, and can't tell. The
    audit log has each use with the reason canary_used, and the chat of CHATKEY_SECURITY_CHAT is told. There is no way
    back: issue another token instead.
    """
    is_news = administer(lambda administration: administration.mark_canary(token_id))
    click.echo(f"{token_id} {'is' if is_news else 'was'} a canary{'' if is_news else ' already'}.")


async def _states(registry: RegistryReader, tokens: Any) -> list[str]:
    from gateway.access.inventory import states
    from gateway.cli.own_keys import verification_keys

    keys = verification_keys(configuration())
    return await states(
        registry, tokens, datetime.now(UTC), lambda key_id: keys is None or keys.find(key_id) is not None
    )


def _line(token: IssuedToken, state: str) -> str:
    chats = " ".join(map(str, token.chat_ids))
    return f"{token.token_id}  {state}  {token.client}  chat {chats}  until {moment(token.expires_at)}"


def _shown(token: IssuedToken, state: str) -> dict[str, Any]:
    return {
        "token_id": token.token_id,
        "state": state,
        "client": token.client,
        "chats": list(token.chat_ids),
        "key_id": token.key_id,
        "issued_at": moment(token.issued_at),
        "expires_at": moment(token.expires_at),
        "issued_by": token.issued_by,
    }
