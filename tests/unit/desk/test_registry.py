"""What is stored of clients, chats and revocations holds at the desk: for every call, stream and message that waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.access.administration import Administration
from gateway.access.registry import Registry
from gateway.addresses import AddressRanges
from gateway.desk.desk import Desk
from gateway.errors import CallRefused, MessageFailed, PermissionDenied, StateStale, TokenExpired, Unauthenticated
from gateway.model import Caller, Draft, Grant, Narrowing, Origin, Permission, State
from tests.support.open_house import CHAT, CLIENT, House, open_house

OTHER = CHAT - 1
DRAFT = Draft(chat_id=CHAT, text="hello")
WRITE = frozenset({Permission.WRITE})


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened


async def changed(house: House, change: Callable[[Administration], Awaitable[object]]) -> None:
    """Have the registry changed, and the desk know."""
    await change(house.administration)
    await house.registry.refresh()


def authenticated(house: House, token: str) -> Caller:
    return house.desk.authenticate([f"Bearer {token}"])


ENDS: dict[str, tuple[Callable[[Administration, Caller], Awaitable[object]], type[CallRefused]]] = {
    "revoked_jti": (lambda does, caller: does.revoke_token(caller.token_id), Unauthenticated),
    "canary_used": (lambda does, caller: does.mark_canary(caller.token_id), Unauthenticated),
    "revoked_client": (lambda does, caller: does.revoke_client(caller.client), Unauthenticated),
    "revoked_key": (lambda does, caller: does.revoke_key(caller.issuer, caller.key_id), Unauthenticated),
    "revoked_before": (lambda does, caller: does.revoke_all(caller.issued_at), Unauthenticated),
    "old_generation": (lambda does, caller: does.add_client(caller.client, {"min_generation": 1}), Unauthenticated),
    "client_disabled": (lambda does, caller: does.disable_client(caller.client), PermissionDenied),
    "client_unknown": (lambda does, _: does.add_client("another", {}), PermissionDenied),
}


@pytest.mark.parametrize("cause", ENDS)
async def test_who_has_no_right_left_is_refused_on_the_headers_and_known_to_the_log(house: House, cause: str) -> None:
    token = house.token()
    caller = authenticated(house, token)
    end, kind = ENDS[cause]
    await changed(house, lambda does: end(does, caller))
    with pytest.raises(kind) as refused:
        authenticated(house, token)
    assert type(refused.value) is kind
    house.desk.refused(refused.value, Origin(address="192.0.2.1"), None, "e1")
    (record,) = await house.refusals()
    assert (record.reason, record.verified, record.client) == (cause, True, CLIENT)
    assert (record.token_id, record.key_id, record.issuer) == (caller.token_id, caller.key_id, caller.issuer)
    assert (record.chat_id, record.address) == (CHAT, "192.0.2.1")


async def test_a_canary_that_expired_is_refused_as_expired_and_known_to_the_log_as_a_canary(house: House) -> None:
    tokens = [house.token(ttl=timedelta(minutes=1)) for _ in range(2)]
    canary = authenticated(house, tokens[0])
    await changed(house, lambda does: does.mark_canary(canary.token_id))
    house.clock.ahead = timedelta(hours=1)
    causes = []
    for token in tokens:
        with pytest.raises(TokenExpired) as refused:
            authenticated(house, token)
        causes.append(refused.value.cause)
    assert causes == ["canary_used", "token_expired"]
    # Nobody vouches for what an unsigned text says of itself.
    head, payload, _ = tokens[0].split(".")
    with pytest.raises(Unauthenticated) as refused:
        authenticated(house, f"{head}.{payload}.{'A' * 86}")
    assert refused.value.cause == "bad_signature"


async def test_a_canary_is_known_to_the_log_from_where_nobody_may_call_too() -> None:
    async with open_house(allowed_addresses=AddressRanges.parse(["10.0.0.0/8"])) as house:
        token = house.token()
        canary = house.desk.authenticate([f"Bearer {token}"], Origin(address="10.0.0.1"))
        await changed(house, lambda does: does.mark_canary(canary.token_id))
        for ahead in (timedelta(0), timedelta(hours=2)):
            house.clock.ahead = ahead
            with pytest.raises(PermissionDenied) as used:
                house.desk.authenticate([f"Bearer {token}"], Origin(address="192.0.2.1"))
            assert used.value.cause == "canary_used"
            assert (used.value.record["verified"], used.value.record["client"]) == (True, CLIENT)


@pytest.mark.parametrize("cause", ENDS)
async def test_row_34_an_open_stream_ends(house: House, cause: str) -> None:
    caller = authenticated(house, house.token())
    end, kind = ENDS[cause]

    async def forever() -> None:
        await asyncio.Event().wait()

    watching = asyncio.create_task(_rest_of_a_watch(house, caller))
    sending = asyncio.create_task(house.desk.while_open(caller, forever()))
    await asyncio.sleep(0)
    await changed(house, lambda does: end(does, caller))
    for stream in (watching, sending):
        with pytest.raises(kind) as refused:
            await stream
        assert refused.value.cause == cause


async def _rest_of_a_watch(house: House, caller: Caller) -> None:
    async with aclosing(house.desk.watch_messages(caller, "")) as changes:
        async for _ in changes:
            continue


async def test_a_watch_ends_when_one_of_its_chats_is_suspended(house: House) -> None:
    grants = (Grant(chat_id=CHAT, permissions=WRITE), Grant(chat_id=OTHER, permissions=WRITE, message_thread_id=7))
    caller = authenticated(house, house.minted(*grants))
    watching = asyncio.create_task(_rest_of_a_watch(house, caller))
    await asyncio.sleep(0)
    await changed(house, lambda does: does.suspend_chat(OTHER))
    with pytest.raises(PermissionDenied) as refused:
        await watching
    assert refused.value.cause == "chat_suspended"


async def test_in_a_stream_of_messages_each_is_looked_at_anew(house: House) -> None:
    grants = tuple(Grant(chat_id=chat_id, permissions=WRITE) for chat_id in (CHAT, OTHER))
    caller = authenticated(house, house.minted(*grants))
    await house.desk.accept_message(caller, DRAFT)
    await changed(house, lambda does: does.suspend_chat(CHAT))
    with pytest.raises(PermissionDenied) as refused:
        await house.desk.accept_message(caller, DRAFT)
    assert refused.value.cause == "chat_suspended"
    house.desk.require_open(caller)
    await house.desk.accept_message(caller, replace(DRAFT, chat_id=OTHER))


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda does: does.suspend_chat(CHAT), "chat_suspended"),
        (lambda does: does.authorize_chat(OTHER), "chat_not_authorized"),
        (lambda does: does.add_client(CLIENT, {"chat_ids": frozenset({OTHER})}), "chat_not_allowed_for_client"),
        (lambda does: does.authorize_chat(CHAT, {Permission.READ}), "missing_permission"),
    ],
)
async def test_what_is_stored_of_the_chat_narrows_every_token(
    house: House, change: Callable[[Administration], Awaitable[object]], cause: str
) -> None:
    await changed(house, change)
    caller = authenticated(house, house.token())
    assert not house.desk.describe_credential(caller).grants[0].permissions & WRITE
    for ask in (
        lambda: house.desk.permit(caller, Permission.WRITE),
        lambda: house.desk.validate_message(caller, DRAFT),
        lambda: house.desk.accept_message(caller, DRAFT),
    ):
        with pytest.raises(PermissionDenied) as refused:
            ask()
        assert refused.value.cause == cause
    assert house.desk.explain(caller, DRAFT).rule == "permission"
    assert house.telegram.sent == []


async def test_whoever_waits_for_a_message_is_told_that_the_credential_ended(house: House) -> None:
    caller = authenticated(house, house.token())
    house.telegram.answers.clear()
    first = asyncio.create_task(house.desk.send_message(caller, DRAFT, timedelta(minutes=1)))
    await house.telegram.asked.wait()
    accepted = await house.desk.accept_message(caller, DRAFT)
    second = asyncio.create_task(house.desk.message_ended(accepted, timedelta(minutes=1)))
    await changed(house, lambda does: does.revoke_token(caller.token_id))
    house.telegram.answers.set()
    assert (await first).state is State.DELIVERED
    with pytest.raises(MessageFailed) as failed:
        await second
    assert failed.value.failure.reason == "CREDENTIAL_ENDED"
    assert len(house.telegram.sent) == 1


async def test_a_client_calls_from_its_own_addresses_alone(house: House) -> None:
    ranges = AddressRanges.parse(["192.0.2.0/24"])
    await changed(house, lambda does: does.add_client(CLIENT, {"address_ranges": ranges}))
    caller = authenticated(house, house.token())
    house.desk.admit(replace(caller, origin=Origin(address="192.0.2.1")), lambda: None)
    with pytest.raises(PermissionDenied) as refused:
        house.desk.admit(replace(caller, origin=Origin(address="198.51.100.1")), lambda: None)
    assert refused.value.cause == "address_denied"


# When it can't be told.


async def test_while_the_registry_is_stale_nothing_is_written_and_all_is_read(house: House) -> None:
    unread = Registry(house.store.registry, house.clock, trusts=house.verifier.trusts)
    desk = Desk(
        verifier=house.verifier,
        registry=unread,
        last_use=house.last_use,
        outbox=house.desk._outbox,
        chats=house.desk.chats,
        ledger=house.ledger,
        clock=house.clock,
        children=house.desk._children,
    )
    caller = desk.authenticate([f"Bearer {house.token()}"])
    message = await house.desk.send_message(caller, DRAFT, timedelta(minutes=1))
    for write in (
        lambda: desk.send_message(caller, DRAFT, None),
        lambda: desk.cancel_message(caller, message.id),
        lambda: desk.retry_message(caller, message.id),
        lambda: desk.resolve_message(caller, message.id, State.CANCELLED),
        lambda: desk.narrow_credential(caller, Narrowing()),
    ):
        with pytest.raises(StateStale):
            await write()
    with pytest.raises(PermissionDenied):
        await desk.send_message(caller, replace(DRAFT, chat_id=OTHER), None)
    assert await desk.get_message(caller, message.id) == message
    assert desk.describe_credential(caller) == caller
    assert len(house.telegram.sent) == 1


# The last use.


async def test_who_is_let_in_was_seen_and_who_is_refused_was_denied(house: House) -> None:
    await changed(house, lambda does: does.add_client(CLIENT, {}))
    await changed(house, lambda does: does.authorize_chat(CHAT))
    caller = replace(authenticated(house, house.token()), origin=Origin(address="192.0.2.1"))
    house.desk.admit(caller, lambda: None)
    await house.desk.send_message(caller, DRAFT, None)
    house.desk.refused(PermissionDenied("chat_mismatch"), Origin(address="192.0.2.2"), caller, "e1")
    await house.last_use.flush()
    (client,), (chat,) = await house.store.registry.clients(), await house.store.registry.chats()
    assert (client.last_seen_from, client.last_denied_from) == ("192.0.2.1", "192.0.2.2")
    assert client.last_seen_at is not None
    assert chat.last_access_at is not None


async def test_what_nobody_vouches_for_is_no_use(house: House) -> None:
    await changed(house, lambda does: does.add_client(CLIENT, {}))
    forged = Unauthenticated("bad_signature", verified=False, client=CLIENT)
    house.desk.refused(forged, Origin(address="192.0.2.2"), None, "e1")
    caller = replace(authenticated(house, house.token()), origin=Origin(address="192.0.2.1"))
    house.desk.explain(caller, DRAFT)
    await house.last_use.flush()
    (client,) = await house.store.registry.clients()
    assert (client.last_seen_at, client.last_denied_at) == (None, None)
