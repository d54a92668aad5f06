"""What the desk decides on a credential alone: from where it may be used, and what of it may be handed on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.addresses import AddressRanges
from gateway.desk.desk import Desk
from gateway.errors import MethodUnknown, PermissionDenied, StepUpRequired, Unauthenticated
from gateway.model import Grant, Narrowing, Origin, Permission
from tests.support.open_house import CHAT, CLIENT, House, open_house

PIN = Grant(chat_id=CHAT, permissions=frozenset({Permission.WRITE}))
OFFICE = AddressRanges.parse(["10.0.0.0/8"])


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened


def desk_of(house: House, **rooms: object) -> Desk:
    arguments: dict[str, object] = {"ledger": house.ledger, "registry": house.registry, "last_use": house.last_use}
    arguments |= {"verifier": house.verifier, "outbox": None, "chats": house.desk.chats, "clock": house.clock, **rooms}
    return Desk(**arguments)  # type: ignore[arg-type]


def no_certificate() -> None:
    """Show none."""


def test_row_31_the_address_is_looked_at_before_the_certificate(house: House) -> None:
    bound = house.verifier.verify(house.minted(PIN, address_ranges=OFFICE, certificate_thumbprint="A" * 43))
    with pytest.raises(PermissionDenied) as denied:
        house.desk.admit(replace(bound, origin=Origin(address="192.0.2.1")), no_certificate)
    assert denied.value.cause == "address_denied"
    with pytest.raises(Unauthenticated) as refused:
        house.desk.admit(replace(bound, origin=Origin(address="10.0.0.1")), no_certificate)
    assert refused.value.cause == "certificate_mismatch"


def test_a_credential_without_restrictions_is_admitted_from_anywhere(house: House) -> None:
    for address in ("192.0.2.1", "unix", ""):
        house.desk.admit(replace(house.caller(), origin=Origin(address=address)), no_certificate)


async def test_without_a_signing_key_nothing_is_handed_on(house: House) -> None:
    with pytest.raises(MethodUnknown, match="holds no key"):
        await desk_of(house).narrow_credential(house.caller(), Narrowing())


async def test_what_is_handed_on_is_what_the_gateway_takes(house: House) -> None:
    parent = replace(house.caller(), origin=Origin(address="10.0.0.1", method="/m", call_id="c1"))
    token, child = await house.desk.narrow_credential(parent, Narrowing(ttl=timedelta(seconds=60)))
    assert house.verifier.verify(token) == child
    assert child.parent_ids == (parent.token_id,)
    ((_, record),) = await house.store.records(event="credential.narrowed")
    assert (record.address, record.method, record.call_id) == ("10.0.0.1", "/m", "c1")
    assert (record.token_id, record.key_id, record.issuer) == (parent.token_id, parent.key_id, parent.issuer)


async def test_a_refusal_by_the_registry_names_the_client_whose_signature_held(house: House) -> None:
    token = house.token()
    await house.administration.add_client("svc:other", {})
    client = house.verifier.verify(token).client
    await house.administration.add_client(client, {})
    await house.administration.disable_client(client)
    await house.registry.refresh()
    with pytest.raises(PermissionDenied) as denied:
        house.desk.authenticate([f"Bearer {token}"])
    assert denied.value.cause == "client_disabled"
    assert (denied.value.record["client"], denied.value.record["verified"]) == (client, True)


async def test_a_client_of_which_a_second_factor_is_asked_hands_on_bound_tokens_alone(house: House) -> None:
    await house.administration.add_client(CLIENT, {"second_factor": True})
    await house.registry.load()
    parent = house.caller()
    with pytest.raises(StepUpRequired):
        await house.desk.narrow_credential(parent, Narrowing(ttl=timedelta(seconds=60)))
    await house.administration.set_client(CLIENT, {"second_factor": False})
    await house.registry.load()
    await house.desk.narrow_credential(parent, Narrowing(ttl=timedelta(seconds=60)))


async def test_a_bound_token_is_its_second_factor(house: House) -> None:
    await house.administration.add_client(CLIENT, {"second_factor": True})
    await house.registry.load()
    bound = replace(house.caller(), certificate_thumbprint="A" * 43)
    house.registry.require_second_factor(bound)
    with pytest.raises(StepUpRequired) as refused:
        house.registry.require_second_factor(house.caller())
    assert refused.value.cause == "second_factor_missing"
