"""A gateway that is set up for it serves administration, and nothing critical is done on a token alone."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest

from chatkey.admin.v1 import audit_service_pb2 as audit_pb
from chatkey.admin.v1 import audit_service_pb2_grpc, chat_registry_service_pb2_grpc, key_service_pb2_grpc
from chatkey.admin.v1 import chat_registry_service_pb2 as chat_pb
from chatkey.admin.v1 import key_service_pb2 as key_pb
from gateway.access.key_file import issuer_key
from gateway.access.key_ring import OPERATORS, open_ring
from gateway.access.keys import KeySet
from gateway.access.operator_issue import OperatorIssuer
from gateway.clock import SystemClock
from gateway.errors import ConfigInvalid
from gateway.operators import AdminRight
from tests.support import canary
from tests.support.gateway import Gateway, gateway
from tests.support.open_door import refusal_of


def operator_metadata(served: Gateway, *rights: AdminRight) -> tuple[tuple[str, str], ...]:
    config = served.config
    issuer = OperatorIssuer(
        issuer_key(config.data_dir, OPERATORS),
        issuer=config.issuer,
        audience=config.operator_audience,
        clock=SystemClock(),
        random_bytes=os.urandom,
    )
    return (("authorization", f"Bearer {canary.watch(issuer.mint('alice', rights or AdminRight).token)}"),)


async def test_administration_is_off_unless_it_is_asked_for(tmp_path: Path) -> None:
    async with gateway(tmp_path / "data") as served:
        assert served.app.admin_port is None


async def test_operators_may_come_by_a_local_socket_to_a_gateway_that_holds_public_keys_only(tmp_path: Path) -> None:
    private, of_callers = issuer_key(tmp_path / "elsewhere", OPERATORS), issuer_key(tmp_path / "elsewhere")
    (tmp_path / "operators.json").write_text(json.dumps(KeySet([private.verification_key]).jwks()))
    (tmp_path / "callers.json").write_text(json.dumps(KeySet([of_callers.verification_key]).jwks()))
    socket = f"unix:{tmp_path}/admin.sock"
    files = {"issuer_jwks_file": tmp_path / "callers.json", "operator_jwks_file": tmp_path / "operators.json"}
    settings = {"admin_listen": socket, **files}
    async with gateway(tmp_path / "data", **settings) as served:
        assert served.app.admin_port == 0
        issuer = OperatorIssuer(
            private,
            issuer=served.config.issuer,
            audience=served.config.operator_audience,
            clock=SystemClock(),
            random_bytes=os.urandom,
        )
        metadata = (("authorization", f"Bearer {canary.watch(issuer.mint('alice', AdminRight).token)}"),)
        async with grpc.aio.insecure_channel(socket) as channel:
            keys: Any = key_service_pb2_grpc.KeyServiceStub(channel)
            jwks = json.loads((await keys.GetJwks(key_pb.GetJwksRequest(), metadata=metadata)).jwks)
            assert [each["kid"] for each in jwks["keys"]] == [of_callers.kid]
            refused = await refusal_of(keys.ListKeys(key_pb.ListKeysRequest(), metadata=metadata))
            assert (refused.code, refused.info.reason) == (grpc.StatusCode.UNIMPLEMENTED, "METHOD_UNKNOWN")
    assert not [path for path in (tmp_path / "data").iterdir() if "keys" in path.name]


async def test_row_50_a_key_of_callers_makes_no_operator(tmp_path: Path) -> None:
    async with gateway(tmp_path / "data", admin_listen="127.0.0.1:0") as served:
        config = served.config
        stolen = OperatorIssuer(
            issuer_key(config.data_dir),
            issuer=config.issuer,
            audience=config.operator_audience,
            clock=SystemClock(),
            random_bytes=os.urandom,
        )
        made = canary.watch(stolen.mint("alice", AdminRight, has_second_factor=True).token)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{served.app.admin_port}") as channel:
            keys: Any = key_service_pb2_grpc.KeyServiceStub(channel)
            await keys.ListKeys(key_pb.ListKeysRequest(), metadata=operator_metadata(served))
            metadata = (("authorization", f"Bearer {made}"),)
            refused = await refusal_of(keys.ListKeys(key_pb.ListKeysRequest(), metadata=metadata))
            assert refused.code is grpc.StatusCode.UNAUTHENTICATED
        assert 'chatkey_operator_tokens_refused_total{how="failed"} 1.0' in await metrics_of(served)
        published = await published_keys(served)
        assert published == [issuer_key(config.data_dir).kid]


async def metrics_of(served: Gateway) -> list[str]:
    url = f"http://127.0.0.1:{served.app.http_port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return (await answer.text()).splitlines()


async def published_keys(served: Gateway) -> list[str]:
    url = f"http://127.0.0.1:{served.app.http_port}/.well-known/jwks.json"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return [key["kid"] for key in (await answer.json())["keys"]]


async def test_a_revoked_key_of_operators_is_dead_within_a_second_and_on_open_streams_too(tmp_path: Path) -> None:
    async with gateway(tmp_path / "data", admin_listen="127.0.0.1:0") as served:
        metadata, ring = operator_metadata(served), open_ring(served.config.data_dir, OPERATORS)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{served.app.admin_port}") as channel:
            audit: Any = audit_service_pb2_grpc.AuditServiceStub(channel)
            stream = audit.TailRecords(audit_pb.TailRecordsRequest(last=1), metadata=metadata)
            await stream.read()
            ring.revoke(ring.read()[0].kid, SystemClock().now())

            async def ended() -> None:
                while await stream.read() is not grpc.aio.EOF:
                    pass

            refused = await refusal_of(ended())
            assert refused.code is grpc.StatusCode.UNAUTHENTICATED
            again = await refusal_of(audit.VerifyLog(audit_pb.VerifyLogRequest(), metadata=metadata))
            assert again.code is grpc.StatusCode.UNAUTHENTICATED


async def test_a_gateway_whose_operators_have_a_key_of_callers_does_not_start(tmp_path: Path) -> None:
    kid = issuer_key(tmp_path / "data").kid
    shutil.copytree(tmp_path / "data" / "keys", tmp_path / "data" / OPERATORS)
    with pytest.raises(ConfigInvalid, match=f"{kid} signs callers' tokens too"):
        async with gateway(tmp_path / "data", admin_listen="127.0.0.1:0"):
            raise AssertionError


async def test_an_operator_looks_at_everything_and_changes_nothing_without_a_second_factor(tmp_path: Path) -> None:
    async with gateway(tmp_path / "data", admin_listen="127.0.0.1:0") as served:
        metadata = operator_metadata(served)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{served.app.admin_port}") as channel:
            keys: Any = key_service_pb2_grpc.KeyServiceStub(channel)
            (key,) = (await keys.ListKeys(key_pb.ListKeysRequest(), metadata=metadata)).keys
            jwks = json.loads((await keys.GetJwks(key_pb.GetJwksRequest(), metadata=metadata)).jwks)
            assert [each["kid"] for each in jwks["keys"]] == [key.key_id]
            refused = await refusal_of(keys.RevokeKey(key_pb.RevokeKeyRequest(key_id=key.key_id), metadata=metadata))
            assert refused.info.reason == "STEP_UP_REQUIRED"

            audit: Any = audit_service_pb2_grpc.AuditServiceStub(channel)
            assert not (await audit.VerifyLog(audit_pb.VerifyLogRequest(), metadata=metadata)).problems

            chats: Any = chat_registry_service_pb2_grpc.ChatRegistryServiceStub(channel)
            seen = await chats.ListDiscoveredChats(chat_pb.ListDiscoveredChatsRequest(), metadata=metadata)
            assert list(seen.chats) == []
            served.telegram.add_fault("getUpdates", fault={"kind": "bad_gateway"})
            failed = await refusal_of(
                chats.ListDiscoveredChats(chat_pb.ListDiscoveredChatsRequest(), metadata=metadata)
            )
            assert (failed.code, failed.info.reason) == (grpc.StatusCode.UNAVAILABLE, "TELEGRAM_FAILED")


async def test_whoever_does_without_does_not_pay_for_it() -> None:
    asked = "import sys, gateway.app; print([name for name in sys.modules if 'admin.v1' in name or '.admin.' in name])"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", asked, stdout=asyncio.subprocess.PIPE)
    printed, _ = await process.communicate()
    assert printed.decode().strip() == "[]"
