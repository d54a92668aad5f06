"""What a token says beside its chat, seen from outside: topics, addresses, certificates, and children of it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from chatkey.v1 import credential_self_pb2 as self_pb
from chatkey.v1 import messaging_gateway_pb2 as pb
from gateway.access.confirmation import thumbprint_of
from gateway.addresses import AddressRanges
from gateway.model import Grant, Permission
from gateway.rpc.certificates import Certificates, Tls
from gateway.rpc.server import open_door
from tests.support.certificates import Certificate, certificate
from tests.support.open_door import CountedCalls, Outside, Refusal, outside, refusal_of
from tests.support.open_house import CHAT, CLIENT, House, open_house

WRITE, READ = frozenset({Permission.WRITE}), frozenset({Permission.READ})
HERE, ELSEWHERE = AddressRanges.parse(["127.0.0.0/8"]), AddressRanges.parse(["192.0.2.0/24"])
PIN = Grant(chat_id=CHAT, permissions=WRITE)
DESCRIBE = self_pb.DescribeCredentialRequest()


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened


@pytest.fixture
async def view(house: House) -> AsyncIterator[Outside]:
    async with outside(house) as seen:
        yield seen


@asynccontextmanager
async def proxied(house: House, trusted: str = "127.0.0.1") -> AsyncIterator[Outside]:
    """Open a door that believes a proxy on this machine."""
    metrics, ids = CountedCalls(), count(1)
    async with (
        open_door(
            house.desk,
            listen="127.0.0.1:0",
            clock=house.clock,
            new_id=lambda: f"id-{next(ids)}",
            metrics=metrics,
            trusted_proxies=AddressRanges.parse([trusted]),
        ) as door,
        grpc.aio.insecure_channel(f"127.0.0.1:{door.port}") as channel,
    ):
        yield Outside(house, door, metrics, channel)


def hello(chat_id: int = CHAT, **fields: object) -> pb.SendMessageRequest:
    return pb.SendMessageRequest(chat_id=chat_id, text="hello", request_id="r1", **fields)  # type: ignore[arg-type]


async def refused(view: Outside, token: str, request: pb.SendMessageRequest | None = None) -> Refusal:
    return await refusal_of(view.messaging.SendMessage(request or hello(), metadata=view.bearer(token)))


async def test_row_16_a_key_of_one_topic_writes_there_alone(view: Outside) -> None:
    token = view.house.minted(Grant(chat_id=CHAT, permissions=WRITE, message_thread_id=42))
    await view.messaging.SendMessage(hello(message_thread_id=42), metadata=view.bearer(token))
    assert [draft.message_thread_id for draft in view.house.telegram.sent] == [42]
    foreign = await refused(view, view.house.token(chat_id=CHAT - 1))
    for request in (hello(message_thread_id=43), hello(), hello(message_thread_id=-42), hello(chat_id=42)):
        assert (await refused(view, token, request)).wire == foreign.wire
    assert len(view.house.telegram.sent) == 1
    records = await view.house.refusals()
    assert [record.reason for record in records] == ["chat_mismatch", *["thread_mismatch"] * 3, "chat_mismatch"]
    assert records[1].facts == {"claimed_message_thread_id": 43}


async def test_row_16_a_message_of_another_topic_is_not_there(view: Outside) -> None:
    sent = await view.messaging.SendMessage(hello(message_thread_id=7), metadata=view.bearer())
    request = pb.GetMessageRequest(message_id=sent.message.id)
    for thread, code in ((7, None), (8, grpc.StatusCode.NOT_FOUND)):
        token = view.house.minted(Grant(chat_id=CHAT, permissions=WRITE, message_thread_id=thread))
        call = view.messaging.GetMessage(request, metadata=view.bearer(token))
        if code is None:
            assert (await call).message.id == sent.message.id
        else:
            assert (await refusal_of(call)).code is code


async def test_row_1_each_of_several_chats_is_open_for_its_own_rights(view: Outside) -> None:
    token = view.house.minted(PIN, Grant(chat_id=7, permissions=READ), Grant(chat_id=8, permissions=WRITE))
    for chat_id in (CHAT, 8):
        sent = pb.SendMessageRequest(chat_id=chat_id, text="hello", request_id=f"to {chat_id}".replace(" ", "-"))
        await view.messaging.SendMessage(sent, metadata=view.bearer(token))
    wires = {(await refused(view, token, hello(chat_id=chat_id))).wire for chat_id in (7, 9, -8, 1)}
    assert len(wires) == 1
    assert {draft.chat_id for draft in view.house.telegram.sent} == {CHAT, 8}
    reasons = [(record.reason, record.claimed_chat_id, record.chat_id) for record in await view.house.refusals()]
    assert reasons == [
        ("missing_permission", None, 7),
        ("chat_mismatch", 9, None),
        ("chat_mismatch", -8, None),
        ("chat_mismatch", 1, None),
    ]


async def test_row_31_a_token_works_from_its_addresses_alone(view: Outside) -> None:
    await view.messaging.SendMessage(hello(), metadata=view.bearer(view.house.minted(PIN, address_ranges=HERE)))
    foreign = await refused(view, view.house.token(chat_id=CHAT - 1))
    token = view.house.minted(PIN, address_ranges=ELSEWHERE)
    assert (await refused(view, token)).wire == foreign.wire
    describe = view.credential_self.DescribeCredential(DESCRIBE, metadata=view.bearer(token))
    assert (await refusal_of(describe)).wire == foreign.wire
    watch = view.messaging.WatchMessages(pb.WatchMessagesRequest(), metadata=view.bearer(token))
    assert (await refusal_of(watch.read())).wire == foreign.wire
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await view.raw("/chatkey.v1.MessagingGateway/Nothing", metadata=view.bearer(token))
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    records = await view.house.refusals()
    assert [record.reason for record in records] == ["chat_mismatch", *["address_denied"] * 4]
    assert {(record.client, record.address, record.verified) for record in records} == {(CLIENT, "127.0.0.1", True)}


async def test_row_31_the_gateway_has_addresses_too() -> None:
    async with open_house(allowed_addresses=ELSEWHERE) as house, outside(house) as view:
        denied = await refused(view, house.token())
        assert denied.code is grpc.StatusCode.PERMISSION_DENIED
        # An outsider learns nothing of a token, not even that it is none.
        for token in (forged := f"{house.token()[:-4]}AAAA", "a.b.c"):
            assert (await refused(view, token)).wire == denied.wire
        assert (await refusal_of(view.raw("/no.Service/Nothing"))).wire == denied.wire
        assert not house.verifier.remembers(forged)
        assert not house.telegram.sent
        records = await house.refusals()
    assert [(record.reason, record.verified, record.client) for record in records] == [
        ("address_denied", False, "")
    ] * 4


FORWARDED: Sequence[tuple[list[str], bool]] = [
    (["192.0.2.7"], True),
    (["192.0.2.7, 127.0.0.1"], True),
    (["10.0.0.1, 192.0.2.7"], True),
    (["10.0.0.1", "192.0.2.7"], True),
    (["192.0.2.7:4711"], True),
    (["::ffff:192.0.2.7"], True),
    (["[::ffff:192.0.2.7]:4711"], True),
    ([], False),
    (["10.0.0.1"], False),
    (["192.0.2.7, 10.0.0.1"], False),
    (["192.0.2.7", "10.0.0.1"], False),
    (["192.0.2.7, "], False),
    (["192.0.2.7, unknown"], False),
    (["192.0.2.7, unix"], False),
    (["192.0.2.7%eth0"], False),
    (["192.0.2.007"], False),
    (["192.0.2.7 10.0.0.1"], False),
    (['for="192.0.2.7"'], False),
]


@pytest.mark.parametrize(("forwarded", "is_believed"), FORWARDED)
async def test_row_33_a_trusted_proxy_says_who_calls(house: House, forwarded: list[str], is_believed: bool) -> None:
    async with proxied(house) as view:
        token = house.minted(PIN, address_ranges=ELSEWHERE)
        metadata = view.bearer(token, *(("x-forwarded-for", value) for value in forwarded))
        call = view.messaging.SendMessage(hello(), metadata=metadata)
        if is_believed:
            assert (await call).message.state == pb.STATE_DELIVERED
        else:
            assert (await refusal_of(call)).code is grpc.StatusCode.PERMISSION_DENIED


async def test_row_33_nobody_else_is_believed(house: House) -> None:
    token = house.minted(PIN, address_ranges=ELSEWHERE)
    async with proxied(house, trusted="10.0.0.1") as view:
        call = view.messaging.SendMessage(hello(), metadata=view.bearer(token, ("x-forwarded-for", "192.0.2.7")))
        assert (await refusal_of(call)).code is grpc.StatusCode.PERMISSION_DENIED
    assert [record.address for record in await house.refusals()] == ["127.0.0.1"]


async def test_row_33_a_local_socket_is_no_address(house: House, tmp_path: Path) -> None:
    listen = f"unix:{tmp_path / 'door'}"
    arguments = {"clock": house.clock, "new_id": lambda: "id", "metrics": CountedCalls()}
    async with (
        open_door(house.desk, listen=listen, **arguments) as door,  # type: ignore[arg-type]
        grpc.aio.insecure_channel(listen) as channel,
    ):
        view = Outside(house, door, CountedCalls(), channel)
        everywhere = AddressRanges.parse(["0.0.0.0/0", "::/0"])
        assert (await refused(view, house.minted(PIN, address_ranges=everywhere))).code.name == "PERMISSION_DENIED"
        await view.messaging.SendMessage(hello(), metadata=view.bearer())


def shown(made: Certificate, root: bytes) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(root, made.key_file.read_bytes(), made.cert_file.read_bytes())


async def test_row_31_a_bound_token_works_with_its_certificate_alone(house: House, tmp_path: Path) -> None:
    made = []
    for name in ("server", "own", "other"):
        (tmp_path / name).mkdir()
        made.append(certificate(tmp_path / name, name))
    server, own, other = made
    (tmp_path / "ca.pem").write_bytes(own.cert_file.read_bytes() + other.cert_file.read_bytes())
    tls = Tls(cert_file=server.cert_file, key_file=server.key_file, client_ca_file=tmp_path / "ca.pem")
    token = house.minted(PIN, certificate_thumbprint=thumbprint_of(own.cert_file.read_bytes()))
    arguments = {"clock": house.clock, "new_id": lambda: "id", "metrics": CountedCalls()}
    async with open_door(house.desk, listen="127.0.0.1:0", tls=Certificates(tls), **arguments) as door:  # type: ignore[arg-type]
        for client, is_good in ((own, True), (other, False)):
            credentials = shown(client, server.cert_file.read_bytes())
            async with grpc.aio.secure_channel(f"127.0.0.1:{door.port}", credentials) as channel:
                view = Outside(house, door, CountedCalls(), channel)
                if is_good:
                    await view.messaging.SendMessage(hello(), metadata=view.bearer(token))
                else:
                    wrong, bad = await refused(view, token), await refused(view, "a.b.c")
                    assert wrong.wire == bad.wire
                    await view.messaging.SendMessage(hello(), metadata=view.bearer())
    assert [record.reason for record in await house.refusals()] == ["certificate_mismatch", "malformed_token"]


async def test_row_31_a_bound_token_is_worth_nothing_without_a_certificate(view: Outside, tmp_path: Path) -> None:
    thumbprint = thumbprint_of(certificate(tmp_path).cert_file.read_bytes())
    token = view.house.minted(PIN, certificate_thumbprint=thumbprint)
    assert (await refused(view, token)).wire == (await refused(view, "a.b.c")).wire
    assert not view.house.telegram.sent
    first, _ = await view.house.refusals()
    assert (first.reason, first.client, first.verified) == ("certificate_mismatch", CLIENT, True)


async def test_row_31_where_a_second_factor_is_asked_of_a_client_no_unbound_token_is_handed_on(
    house: House, tmp_path: Path
) -> None:
    made = certificate(tmp_path)
    tls = Tls(cert_file=made.cert_file, key_file=made.key_file, client_ca_file=made.cert_file)
    thumbprint = thumbprint_of(made.cert_file.read_bytes())
    bound = house.minted(PIN, certificate_thumbprint=thumbprint)
    await house.administration.add_client(CLIENT, {"second_factor": True})
    await house.registry.refresh()
    arguments = {"clock": house.clock, "new_id": lambda: "id", "metrics": CountedCalls()}
    async with open_door(house.desk, listen="127.0.0.1:0", tls=Certificates(tls), **arguments) as door:  # type: ignore[arg-type]
        credentials = shown(made, made.cert_file.read_bytes())
        async with grpc.aio.secure_channel(f"127.0.0.1:{door.port}", credentials) as channel:
            view = Outside(house, door, CountedCalls(), channel)
            # The connection has the certificate; it is the token that does not name it.
            refusal = await refusal_of(view.credential_self.NarrowCredential(asked(), metadata=view.bearer()))
            assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.PERMISSION_DENIED, "STEP_UP_REQUIRED")
            child = await child_of(view, bound, asked())
            await view.messaging.SendMessage(hello(), metadata=view.bearer(child.token))
    assert house.verifier.verify(child.token).certificate_thumbprint == thumbprint
    (record,) = await house.refusals()
    assert (record.reason, record.client, record.verified) == ("second_factor_missing", CLIENT, True)


Narrow = self_pb.NarrowCredentialRequest


def asked(*grants: self_pb.ChatGrant, seconds: float | None = None, ranges: Sequence[str] = ()) -> Narrow:
    request = Narrow(grants=grants, address_ranges=ranges)
    if seconds is not None:
        request.ttl.CopyFrom(Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1_000_000_000)))
    return request


async def child_of(view: Outside, token: str, request: Narrow) -> self_pb.NarrowCredentialResponse:
    answer: self_pb.NarrowCredentialResponse = await view.credential_self.NarrowCredential(
        request, metadata=view.bearer(token)
    )
    return answer


async def test_a_holder_hands_on_less_of_its_token(view: Outside) -> None:
    parent = view.house.minted(PIN, Grant(chat_id=7, permissions=WRITE | READ), generation=3, address_ranges=HERE)
    topic = self_pb.ChatGrant(chat_id=7, permissions=[self_pb.PERMISSION_WRITE], message_thread_id=42)
    child = await child_of(view, parent, asked(topic, seconds=60, ranges=["127.0.0.1"]))
    await view.messaging.SendMessage(hello(chat_id=7, message_thread_id=42), metadata=view.bearer(child.token))
    for request in (hello(chat_id=7), hello(chat_id=7, message_thread_id=1), hello()):
        assert (await refused(view, child.token, request)).code is grpc.StatusCode.PERMISSION_DENIED
    described = await view.credential_self.DescribeCredential(DESCRIBE, metadata=view.bearer(child.token))
    assert described.credential == child.credential
    parents = (await view.credential_self.DescribeCredential(DESCRIBE, metadata=view.bearer(parent))).credential
    assert list(child.credential.grants) == [topic]
    assert list(child.credential.address_ranges) == ["127.0.0.1/32"]
    assert list(child.credential.parent_token_ids) == [parents.token_id]
    assert (child.credential.client, child.credential.generation) == (CLIENT, 3)
    assert child.credential.expire_time.seconds - child.credential.issue_time.seconds == 60


async def test_what_is_handed_on_is_in_the_audit_log(view: Outside) -> None:
    child = await child_of(view, view.house.token(), asked())
    ((_, record),) = await view.house.store.records(event="credential.narrowed")
    assert (record.decision, record.client, record.chat_id) == ("allow", CLIENT, CHAT)
    assert list(child.credential.parent_token_ids) == [record.token_id]
    assert record.facts == {
        "child_token_id": child.credential.token_id,
        "child_chats": 1,
        "child_expires_at": child.credential.expire_time.seconds,
    }


async def test_a_child_ends_with_its_parent(view: Outside) -> None:
    parent = view.house.token(ttl=timedelta(minutes=5))
    child = await child_of(view, parent, asked(seconds=86400 * 300))
    described = await view.credential_self.DescribeCredential(DESCRIBE, metadata=view.bearer(parent))
    assert child.credential.expire_time == described.credential.expire_time
    view.house.clock.ahead = timedelta(minutes=5, seconds=11)
    assert (await refused(view, child.token)).info.reason == "TOKEN_EXPIRED"


async def test_more_than_one_has_cannot_be_handed_on(view: Outside) -> None:
    foreign = await refused(view, view.house.token(chat_id=CHAT - 1))
    for grant in (
        self_pb.ChatGrant(chat_id=CHAT - 1, permissions=[self_pb.PERMISSION_WRITE]),
        self_pb.ChatGrant(chat_id=CHAT - 1),
        self_pb.ChatGrant(chat_id=CHAT, permissions=[self_pb.PERMISSION_READ]),
    ):
        call = view.credential_self.NarrowCredential(asked(grant), metadata=view.bearer())
        assert (await refusal_of(call)).wire == foreign.wire
    assert [record.reason for record in await view.house.refusals()][1:] == [
        "chat_mismatch",
        "chat_mismatch",
        "missing_permission",
    ]


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        (asked(self_pb.ChatGrant()), "grants[0].chat_id"),
        (asked(self_pb.ChatGrant(chat_id=CHAT, permissions=[self_pb.PERMISSION_UNSPECIFIED])), "grants[0].permissions"),
        (asked(self_pb.ChatGrant.FromString(b"\x08\x01\x12\x01\x63")), "grants[0].permissions"),
        (asked(self_pb.ChatGrant(chat_id=CHAT, message_thread_id=0)), "grants[0].message_thread_id"),
        (asked(*[self_pb.ChatGrant(chat_id=CHAT)] * 2), "grants"),
        (asked(seconds=0), "ttl"),
        (asked(seconds=1.5), "ttl"),
        (asked(ranges=["nowhere"]), "address_ranges"),
        (asked(ranges=["unix"]), "address_ranges"),
        (asked(ranges=[f"10.0.{n}.0/24" for n in range(17)]), "address_ranges"),
        (Narrow.FromString(b"\x98\x06\x01"), "99"),
    ],
)
async def test_a_wish_that_is_none_is_explained(view: Outside, request_: Narrow, path: str) -> None:
    refusal = await refusal_of(view.credential_self.NarrowCredential(request_, metadata=view.bearer()))
    assert refusal.info.reason == "INVALID_REQUEST"
    assert list(refusal.violations) == [path]


async def narrowed_by_command(view: Outside, token: str, *options: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        "token",
        "narrow",
        *options,
        env=os.environ | {"CHATKEY_ADDRESS": f"127.0.0.1:{view.door.port}", "CHATKEY_TOKEN": token},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode().strip(), err.decode().strip()


async def test_the_command_hands_on_less_of_a_token(view: Outside) -> None:
    parent = view.house.minted(PIN, Grant(chat_id=7, permissions=WRITE | READ))
    options = ["--chat", "7", "--scope", "read", "--thread", "42", "--ttl", "5m", "--address", "127.0.0.1"]
    status, child, err = await narrowed_by_command(view, parent, *options)
    assert (status, err) == (0, "")
    caller = view.house.verifier.verify(child)
    assert caller.grants == (Grant(chat_id=7, permissions=READ, message_thread_id=42),)
    assert (caller.address_ranges, caller.client) == (AddressRanges.parse(["127.0.0.1"]), CLIENT)
    assert caller.expires_at - caller.issued_at == timedelta(minutes=5)
    assert caller.parent_ids == (view.house.verifier.verify(parent).token_id,)


async def test_the_command_keeps_the_chats_where_none_is_named(view: Outside) -> None:
    both = (Grant(chat_id=CHAT, permissions=WRITE | READ), Grant(chat_id=7, permissions=WRITE | READ))
    status, child, _ = await narrowed_by_command(view, view.house.minted(*both), "--scope", "write")
    assert status == 0
    assert view.house.verifier.verify(child).grants == tuple(replace(grant, permissions=WRITE) for grant in both)
    assert view.house.verifier.verify((await narrowed_by_command(view, child))[1]).grants[0].permissions == WRITE
    status, out, err = await narrowed_by_command(view, child, "--scope", "read")
    assert (status, out) == (1, "")
    assert "permission denied" in err


async def test_a_child_dies_with_its_parent_and_its_siblings_do_not(view: Outside) -> None:
    parent = view.house.token()
    child = (await child_of(view, parent, asked())).token
    grandchild = await child_of(view, child, asked())
    other = (await child_of(view, view.house.token(), asked())).token
    await view.messaging.SendMessage(hello(), metadata=view.bearer(grandchild.token))
    assert await view.house.administration.revoke_token(grandchild.credential.parent_token_ids[-1])
    await view.house.registry.refresh()
    for dead in (parent, child, grandchild.token):
        assert (await refused(view, dead)).info.reason == "UNAUTHENTICATED"
        refusal = await refusal_of(view.credential_self.NarrowCredential(asked(), metadata=view.bearer(dead)))
        assert refusal.info.reason == "UNAUTHENTICATED"
    await view.messaging.SendMessage(hello(), metadata=view.bearer(other))
