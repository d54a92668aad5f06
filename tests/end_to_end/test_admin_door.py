"""The door of operators: every service over the wire, refusals as at the door of callers, and no token of the other."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chatkey.admin.v1 import audit_service_pb2 as audit_pb
from chatkey.admin.v1 import chat_registry_service_pb2 as chat_pb
from chatkey.admin.v1 import client_service_pb2 as client_pb
from chatkey.admin.v1 import credential_service_pb2 as credential_pb
from chatkey.admin.v1 import key_service_pb2 as key_pb
from chatkey.admin.v1 import key_service_pb2_grpc
from chatkey.v1 import credential_self_pb2 as self_pb
from gateway.access.confirmation import thumbprint_of
from gateway.desk.admin.rooms import SeenChat
from gateway.errors import ConfigInvalid
from gateway.model import Record
from gateway.operators import AdminRight
from gateway.rpc.admin import policy
from gateway.rpc.admin.door import open_admin_door
from gateway.rpc.certificates import Certificates, Tls
from gateway.store.chats import Closure, Move
from tests.support import canary
from tests.support.certificates import certificate
from tests.support.open_administration import CODE, OutsideOffices, open_offices, outside_offices
from tests.support.open_door import SEND, outside, refusal_of
from tests.support.open_house import CHAT, CLIENT

LIST_KEYS = "/chatkey.admin.v1.KeyService/ListKeys"


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[OutsideOffices]:
    async with open_offices(tmp_path) as offices, outside_offices(offices) as view:
        yield view


def grant(chat_id: int = CHAT, *permissions: Any) -> self_pb.ChatGrant:
    return self_pb.ChatGrant(chat_id=chat_id, permissions=permissions or [self_pb.PERMISSION_WRITE])


async def issue(door: OutsideOffices, **wish: Any) -> credential_pb.IssueCredentialResponse:
    request = credential_pb.IssueCredentialRequest(**{"client": CLIENT, "grants": [grant()], **wish})
    issued = await door.credentials.IssueCredential(request, metadata=door.meant())
    canary.watch(issued.token)
    return issued  # type: ignore[no-any-return]


# Whose tokens are taken.


async def test_row_29_neither_door_takes_a_token_of_the_other(door: OutsideOffices) -> None:
    clients_token = (("authorization", f"Bearer {door.offices.house.token()}"),)
    for metadata in (clients_token, (*clients_token, ("x-chatkey-otp", CODE))):
        refused = await refusal_of(door.keys.ListKeys(key_pb.ListKeysRequest(), metadata=metadata))
        assert (refused.code, refused.info.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
    async with outside(door.offices.house) as clients:
        here = await refusal_of(clients.raw(SEND, metadata=door.meant()))
        assert here.code is grpc.StatusCode.UNAUTHENTICATED
        assert here.wire == refused.wire
    await door.offices.house.ledger.flush()
    records = [record for _, record in await door.offices.house.store.records(limit=100)]
    assert {(record.event, record.reason) for record in records} == {
        ("operator.refused", "wrong_type"), ("call.refused", "wrong_type"),
    }  # fmt: skip


async def test_without_a_token_no_method_is_told_from_another(door: OutsideOffices) -> None:
    channel = door.channel
    answers = set()
    for method in (LIST_KEYS, "/chatkey.admin.v1.KeyService/None", SEND, "/"):
        call: Any = channel.unary_unary(method)
        answers.add((await refusal_of(call(b""))).wire)
    assert len(answers) == 1
    with_token: Any = channel.unary_unary("/chatkey.admin.v1.KeyService/None")
    unknown = await refusal_of(with_token(b"", metadata=door.bearer()))
    assert unknown.code is grpc.StatusCode.UNIMPLEMENTED


async def test_a_missing_right_is_refused_before_the_request_is_read(door: OutsideOffices) -> None:
    call: Any = door.channel.unary_unary(LIST_KEYS)
    refused = await refusal_of(call(b"\xff", metadata=door.bearer(rights={AdminRight.AUDIT})))
    assert (refused.code, refused.text) == (grpc.StatusCode.PERMISSION_DENIED, "permission denied")
    assert refused.trailers["chatkey-error-id"]


async def test_two_codes_are_none(door: OutsideOffices) -> None:
    metadata = door.meant(("x-chatkey-otp", CODE))
    refused = await refusal_of(door.keys.PrepareKey(key_pb.PrepareKeyRequest(), metadata=metadata))
    assert refused.info.reason == "STEP_UP_REQUIRED"


async def test_the_second_factor_learns_the_whole_request_and_what_approves_it(door: OutsideOffices) -> None:
    metadata = door.meant(("x-chatkey-approval", "a-1"))
    request = credential_pb.IssueCredentialRequest(client=CLIENT, grants=[grant()])
    canary.watch((await door.credentials.IssueCredential(request, metadata=metadata)).token)
    assert door.offices.second_factor.last["approval_id"] == "a-1"
    asked = door.offices.second_factor.asked
    assert asked == [("alice", "credentials.issue", request.SerializeToString(deterministic=True))]


async def test_a_bound_token_works_with_its_certificate_alone_which_the_second_factor_learns(
    door: OutsideOffices, tmp_path: Path
) -> None:
    made = []
    for name in ("server", "own", "other"):
        (tmp_path / name).mkdir()
        made.append(certificate(tmp_path / name, name))
    server, own, other = made
    (tmp_path / "ca.pem").write_bytes(own.cert_file.read_bytes() + other.cert_file.read_bytes())
    tls = Tls(cert_file=server.cert_file, key_file=server.key_file, client_ca_file=tmp_path / "ca.pem")
    offices, root = door.offices, server.cert_file.read_bytes()
    token = offices.token(thumbprint=thumbprint_of(own.cert_file.read_bytes()))
    metadata = (("authorization", f"Bearer {token}"), ("x-chatkey-otp", CODE))
    async with outside_offices(offices, tls=Certificates(tls)) as view:
        for client in (own, other):
            shown = grpc.ssl_channel_credentials(root, client.key_file.read_bytes(), client.cert_file.read_bytes())
            async with grpc.aio.secure_channel(f"127.0.0.1:{view.door.port}", shown) as channel:
                keys: Any = key_service_pb2_grpc.KeyServiceStub(channel)
                call = keys.PrepareKey(key_pb.PrepareKeyRequest(), metadata=metadata)
                if client is own:
                    await call
                    assert offices.second_factor.last["has_certificate"]
                else:
                    assert (await refusal_of(call)).code is grpc.StatusCode.UNAUTHENTICATED
    assert len(offices.second_factor.asked) == 1


async def test_plaintext_stays_on_the_machine(door: OutsideOffices) -> None:
    house = door.offices.house
    with pytest.raises(ConfigInvalid, match="no TLS"):
        async with open_admin_door(
            door.offices.desk, listen="0.0.0.0:0", clock=house.clock, new_id=str, metrics=door.metrics
        ):
            raise AssertionError("it opened")


async def test_a_door_with_an_rpc_that_is_no_function_does_not_open(
    door: OutsideOffices, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = {method: needs for method, needs in policy.POLICY.items() if not method.endswith("RevokeKey")}
    monkeypatch.setattr(policy, "POLICY", lacking)
    with pytest.raises(LookupError, match="RevokeKey"):
        async with outside_offices(door.offices):
            raise AssertionError("it opened")


async def test_health_is_public(door: OutsideOffices) -> None:
    stub: Any = health_pb2_grpc.HealthStub(door.channel)
    checked = await stub.Check(health_pb2.HealthCheckRequest(service="chatkey.admin.v1.KeyService"))
    assert checked.status == health_pb2.HealthCheckResponse.SERVING


async def test_calls_are_counted_and_logged_with_their_operator(
    door: OutsideOffices,
) -> None:
    await door.keys.ListKeys(key_pb.ListKeysRequest(), metadata=door.bearer())
    await door.metrics.quiet.wait()
    assert door.metrics.ended == {(LIST_KEYS, "OK", "unary"): 1}


# What is understood.


@pytest.mark.parametrize(
    ("wish", "path"),
    [
        ({"grants": [grant(0)]}, "chat_id"),
        ({"grants": [grant(CHAT, 99)]}, "grants[0].permissions"),
        ({"grants": []}, "grants"),
        ({"address_ranges": ["here"]}, "address_ranges"),
        ({"client": ""}, "client"),
        ({"certificate_thumbprint": "x"}, "certificate_thumbprint"),
        ({"ttl": {"seconds": 1 << 62}}, "ttl"),
        ({"generation": -1}, "generation"),
    ],
)
async def test_a_wish_that_is_not_sound_is_refused_by_its_field(
    door: OutsideOffices, wish: dict[str, Any], path: str
) -> None:
    request = credential_pb.IssueCredentialRequest(**{"client": CLIENT, "grants": [grant()], **wish})
    refused = await refusal_of(door.credentials.IssueCredential(request, metadata=door.meant()))
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert path in refused.violations


async def test_what_is_not_known_is_refused(door: OutsideOffices) -> None:
    for call in (
        door.clients.ListClients(client_pb.ListClientsRequest(states=[77]), metadata=door.bearer()),
        door.chats.AuthorizeChat(chat_pb.AuthorizeChatRequest(chat_id=CHAT, permissions=[9]), metadata=door.meant()),
        door.credentials.RevokeAllCredentials(
            credential_pb.RevokeAllCredentialsRequest(client="a", not_before=Timestamp(seconds=1 << 60)),
            metadata=door.meant(),
        ),
    ):
        assert (await refusal_of(call)).code is grpc.StatusCode.INVALID_ARGUMENT
    call: Any = door.channel.unary_unary(LIST_KEYS)
    assert "15" in (await refusal_of(call(b"\x7a\x01a", metadata=door.bearer()))).violations


async def test_whatever_is_refused_before_it_is_understood_is_on_record(door: OutsideOffices) -> None:
    raw: Any = door.channel.unary_unary(LIST_KEYS)
    too_long = b"\x0a\x80\x80\x04" + b"x" * (64 * 1024)
    no_method: Any = door.channel.unary_unary("/chatkey.admin.v1.KeyService/Nothing")
    calls = [
        ("invalid_request", raw(b"\xff", metadata=door.bearer())),
        ("invalid_request", raw(too_long, metadata=door.bearer())),
        ("invalid_request", raw(b"\x7a\x01a", metadata=door.bearer())),
        (
            "invalid_request",
            door.clients.ListClients(client_pb.ListClientsRequest(states=[77]), metadata=door.bearer()),
        ),
        ("method_unknown", no_method(b"", metadata=door.bearer())),
    ]
    given = [(reason, (await refusal_of(call)).trailers["chatkey-error-id"]) for reason, call in calls]
    await door.offices.house.ledger.flush()
    records = [record for _, record in await door.offices.house.store.records(event="operator.refused")]
    assert sorted((record.reason, record.error_id) for record in records) == sorted(given)
    assert {(record.decision, record.client, record.facts["by"]) for record in records} == {
        ("deny", "operator:alice", "operator:alice"),
    }  # fmt: skip


# Every service over the wire.


async def test_credentials(door: OutsideOffices) -> None:
    issued = await issue(
        door, ttl=timedelta(minutes=5), address_ranges=["127.0.0.0/8"], certificate_thumbprint="A" * 43, generation=3
    )
    caller = door.offices.house.verifier.verify(issued.token)
    assert (caller.generation, caller.certificate_thumbprint) == (3, "A" * 43)
    assert caller.expires_at - caller.issued_at == timedelta(minutes=5)
    token_id = issued.credential.token_id
    assert list(issued.credential.chat_ids) == [CHAT]

    get = credential_pb.GetCredentialRequest(token_id=token_id)
    kept = await door.credentials.GetCredential(get, metadata=door.bearer())
    assert kept.credential == issued.credential
    assert kept.credential.state == credential_pb.CREDENTIAL_STATE_VALID

    revoke = credential_pb.RevokeCredentialRequest(token_id=token_id)
    assert (await door.credentials.RevokeCredential(revoke, metadata=door.bearer())).newly_revoked
    assert not (await door.credentials.RevokeCredential(revoke, metadata=door.bearer())).newly_revoked
    listed = await door.credentials.ListCredentials(
        credential_pb.ListCredentialsRequest(states=[credential_pb.CREDENTIAL_STATE_REVOKED]), metadata=door.bearer()
    )
    assert [credential.token_id for credential in listed.credentials] == [token_id]

    canary_request = credential_pb.MarkCanaryRequest(token_id=token_id)
    assert (await door.credentials.MarkCanary(canary_request, metadata=door.meant())).newly_marked
    got = await door.credentials.GetCredential(get, metadata=door.bearer())
    assert got.credential.state == credential_pb.CREDENTIAL_STATE_CANARY

    key = credential_pb.IssuerKey(issuer="https://other", key_id="k1")
    by_key = credential_pb.RevokeAllCredentialsRequest(key=key)
    answer = await door.credentials.RevokeAllCredentials(by_key, metadata=door.meant())
    assert not answer.HasField("not_before")
    past = Timestamp(seconds=1_000_000_000)
    everybody = credential_pb.RevokeAllCredentialsRequest(everybody=True, not_before=past)
    assert (await door.credentials.RevokeAllCredentials(everybody, metadata=door.meant())).not_before == past


async def test_keys(door: OutsideOffices) -> None:
    (first,) = (await door.keys.ListKeys(key_pb.ListKeysRequest(), metadata=door.bearer())).keys
    assert first.state == key_pb.KEY_STATE_ACTIVE
    second = (await door.keys.PrepareKey(key_pb.PrepareKeyRequest(), metadata=door.meant())).key
    assert second.HasField("prepare_time")
    assert not second.HasField("activate_time")
    early = await refusal_of(door.keys.ActivateKey(key_pb.ActivateKeyRequest(), metadata=door.meant()))
    assert early.info.reason == "STATE_CONFLICT"
    activate = key_pb.ActivateKeyRequest(key_id=second.key_id, at_once=True)
    assert (await door.keys.ActivateKey(activate, metadata=door.meant())).key.state == key_pb.KEY_STATE_ACTIVE
    taint = key_pb.TaintKeyRequest(key_id=second.key_id)
    assert (await door.keys.TaintKey(taint, metadata=door.meant())).key.state == key_pb.KEY_STATE_TAINTED
    revoke = key_pb.RevokeKeyRequest(key_id=first.key_id)
    assert (await door.keys.RevokeKey(revoke, metadata=door.meant())).key.state == key_pb.KEY_STATE_REVOKED
    jwks = json.loads((await door.keys.GetJwks(key_pb.GetJwksRequest(), metadata=door.bearer())).jwks)
    assert [sorted(key) for key in jwks["keys"]] == [["alg", "crv", "kid", "kty", "use", "x", "y"]]


async def test_clients(door: OutsideOffices) -> None:
    terms = client_pb.ClientTerms(
        chat_ids=client_pb.ChatIds(chat_ids=[CHAT]),
        address_ranges=client_pb.AddressRanges(ranges=["10.0.0.0/8"]),
        per_minute=0,
        label="Billing",
        second_factor=True,
    )
    add = client_pb.AddClientRequest(name=CLIENT, terms=terms)
    added = (await door.clients.AddClient(add, metadata=door.meant())).client
    assert added.terms == terms
    assert (added.state, added.created_by) == (client_pb.CLIENT_STATE_ENABLED, "operator:alice")
    assert (await door.clients.AddClient(add, metadata=door.meant())).client == added

    change = client_pb.UpdateClientRequest(
        name=CLIENT,
        terms=client_pb.ClientTerms(min_generation=2),
        update_mask=FieldMask(paths=["min_generation", "chat_ids", "address_ranges", "per_minute", "label"]),
    )
    changed = (await door.clients.UpdateClient(change, metadata=door.meant())).client
    assert changed.terms == client_pb.ClientTerms(min_generation=2, second_factor=True)
    stored = await door.offices.house.store.registry.client(CLIENT)
    assert stored is not None
    assert (stored.chat_ids, stored.address_ranges, stored.quota.per_minute) == (None, None, None)

    disabled = await door.clients.DisableClient(client_pb.DisableClientRequest(name=CLIENT), metadata=door.meant())
    assert disabled.client.state == client_pb.CLIENT_STATE_DISABLED
    stale = client_pb.ListClientsRequest(stale_for=timedelta(days=1))
    assert not (await door.clients.ListClients(stale, metadata=door.bearer())).clients
    by_state = client_pb.ListClientsRequest(states=[client_pb.CLIENT_STATE_DISABLED])
    listed = await door.clients.ListClients(by_state, metadata=door.bearer())
    assert [client.name for client in listed.clients] == [CLIENT]
    await door.clients.EnableClient(client_pb.EnableClientRequest(name=CLIENT), metadata=door.meant())
    got = await door.clients.GetClient(client_pb.GetClientRequest(name=CLIENT), metadata=door.bearer())
    assert got.client.state == client_pb.CLIENT_STATE_ENABLED


@pytest.mark.parametrize(
    ("terms", "paths", "path"),
    [
        ({}, [], "update_mask"),
        ({"label": "x"}, ["color"], "update_mask"),
        ({"label": "x"}, ["per_day"], "terms.label"),
        ({"address_ranges": {"ranges": ["x"]}}, ["address_ranges"], "terms.address_ranges"),
        ({"per_day": -1}, ["per_day"], "per_day"),
    ],
)
async def test_a_change_of_terms_that_is_not_sound_is_refused(
    door: OutsideOffices, terms: dict[str, Any], paths: list[str], path: str
) -> None:
    await door.clients.AddClient(client_pb.AddClientRequest(name=CLIENT), metadata=door.meant())
    change = client_pb.UpdateClientRequest(
        name=CLIENT, terms=client_pb.ClientTerms(**terms), update_mask=FieldMask(paths=paths)
    )
    refused = await refusal_of(door.clients.UpdateClient(change, metadata=door.meant()))
    assert path in refused.violations


async def test_chats(door: OutsideOffices) -> None:
    authorize = chat_pb.AuthorizeChatRequest(chat_id=CHAT, permissions=[self_pb.PERMISSION_WRITE], title="Ops")
    chat = (await door.chats.AuthorizeChat(authorize, metadata=door.meant())).chat
    assert (chat.state, list(chat.permissions), chat.title) == (
        chat_pb.CHAT_STATE_AUTHORIZED, [self_pb.PERMISSION_WRITE], "Ops",
    )  # fmt: skip
    suspended = await door.chats.SuspendChat(chat_pb.SuspendChatRequest(chat_id=CHAT), metadata=door.meant())
    assert suspended.chat.state == chat_pb.CHAT_STATE_SUSPENDED
    by_state = chat_pb.ListChatsRequest(states=[chat_pb.CHAT_STATE_SUSPENDED])
    assert [each.chat_id for each in (await door.chats.ListChats(by_state, metadata=door.bearer())).chats] == [CHAT]
    resumed = await door.chats.ResumeChat(chat_pb.ResumeChatRequest(chat_id=CHAT), metadata=door.meant())
    assert resumed.chat == chat

    door.offices.seen.append(SeenChat(chat_id=7, type="private", title="Ann"))
    seen = await door.chats.ListDiscoveredChats(chat_pb.ListDiscoveredChatsRequest(), metadata=door.bearer())
    assert list(seen.chats) == [chat_pb.DiscoveredChat(chat_id=7, type="private", title="Ann")]

    now = door.offices.house.clock.now()
    move = Move(chat_id=-5, new_chat_id=-1000000000005, approved=False, noticed_at=now)
    await door.offices.house.store.chats.add_move(move, Record(at=now, event="chat.migrated", decision="allow"))
    approve = chat_pb.ApproveMigrationRequest(chat_id=-5)
    approved = (await door.chats.ApproveMigration(approve, metadata=door.meant())).migration
    moves = await door.chats.ListMigrations(chat_pb.ListMigrationsRequest(), metadata=door.bearer())
    assert list(moves.migrations) == [approved]
    assert (approved.new_chat_id, approved.approved) == (-1000000000005, True)


async def test_closed_chats(door: OutsideOffices) -> None:
    now = door.offices.house.clock.now()
    closure = Closure(chat_id=7, closed_at=now, until=now, description="blocked", code=403)
    await door.offices.house.store.chats.close_chat(closure, Record(at=now, event="chat.closed", decision="error"))
    (closed,) = (await door.chats.ListClosedChats(chat_pb.ListClosedChatsRequest(), metadata=door.bearer())).chats
    assert (closed.chat_id, closed.description, closed.telegram_error_code) == (7, "blocked", 403)
    reopen = chat_pb.ReopenChatRequest(chat_id=7)
    assert (await door.chats.ReopenChat(reopen, metadata=door.meant())).chat_id == 7
    again = await refusal_of(door.chats.ReopenChat(reopen, metadata=door.meant()))
    assert (again.code, again.info.reason) == (grpc.StatusCode.NOT_FOUND, "RESOURCE_NOT_FOUND")


async def test_the_audit_log(door: OutsideOffices) -> None:
    await door.chats.SuspendChat(chat_pb.SuspendChatRequest(chat_id=CHAT), metadata=door.meant())
    search = audit_pb.SearchRecordsRequest(filter=audit_pb.RecordFilter(chat_id=CHAT, event="chat.suspended"))
    (record,) = (await door.audit.SearchRecords(search, metadata=door.bearer())).records
    assert (record.chat_id, record.HasField("claimed_chat_id"), record.decision) == (CHAT, False, "allow")
    assert (record.address, record.method) == ("127.0.0.1", "/chatkey.admin.v1.ChatRegistryService/SuspendChat")

    await door.offices.seal()
    first = await door.audit.VerifyLog(audit_pb.VerifyLogRequest(), metadata=door.bearer())
    again = audit_pb.VerifyLogRequest(expected_links=[first.head])
    assert not (await door.audit.VerifyLog(again, metadata=door.bearer())).problems

    tail = audit_pb.TailRecordsRequest(filter=audit_pb.RecordFilter(client="svc:new"), last=10)
    stream = door.audit.TailRecords(tail, metadata=door.bearer())
    await door.clients.DisableClient(client_pb.DisableClientRequest(name="svc:new"), metadata=door.meant())
    streamed = await stream.read()
    assert (streamed.record.event, streamed.record.client) == ("client.disabled", "svc:new")
    assert streamed.record.facts["by"] == "operator:alice"
    stream.cancel()


async def test_a_stream_ends_with_the_operator(door: OutsideOffices) -> None:
    stream = door.audit.TailRecords(audit_pb.TailRecordsRequest(last=1), metadata=door.bearer(name="mallory"))
    await stream.read()
    await door.offices.house.administration.disable_client("operator:mallory")
    await door.offices.house.registry.refresh()

    async def to_its_end() -> None:
        while await stream.read() is not grpc.aio.EOF:
            pass
        await stream

    refused = await refusal_of(to_its_end())
    assert refused.code is grpc.StatusCode.PERMISSION_DENIED
