"""The admin door has no RPC that nobody thought of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from grpc_health.v1 import health_pb2

from chatkey.admin.v1 import (
    approval_service_pb2,
    audit_service_pb2,
    chat_registry_service_pb2,
    client_service_pb2,
    credential_service_pb2,
    key_service_pb2,
)
from gateway.desk.admin.functions import Function
from gateway.rpc import policy as clients
from gateway.rpc.admin import convert
from gateway.rpc.admin.policy import POLICY
from gateway.rpc.policy import Access, require_complete

ADMIN = (
    approval_service_pb2,
    audit_service_pb2,
    chat_registry_service_pb2,
    client_service_pb2,
    credential_service_pb2,
    key_service_pb2,
)


def registered(*files: Any) -> set[str]:
    return {
        f"/{service.full_name}/{method.name}"
        for file in files
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }


def test_every_rpc_of_the_contract_is_a_function_and_every_function_an_rpc() -> None:
    assert set(POLICY) == registered(*ADMIN, health_pb2)
    require_complete(registered(*ADMIN, health_pb2), POLICY)
    functions = [function for function in POLICY.values() if isinstance(function, Function)]
    assert sorted(functions, key=lambda function: function.name) == sorted(Function, key=lambda each: each.name)


def test_every_proto_of_the_package_is_served() -> None:
    protos = {path.stem for path in (Path(__file__).parents[3] / "protos/chatkey/admin/v1").glob("*.proto")}
    assert {Path(file.DESCRIPTOR.name).stem for file in ADMIN} == protos


def test_a_gateway_with_an_admin_rpc_beside_the_policy_does_not_start() -> None:
    with pytest.raises(LookupError, match=r"/a\.S/New"):
        require_complete({*POLICY, "/a.S/New"}, POLICY)
    with pytest.raises(LookupError, match="IssueCredential"):
        require_complete({method for method in POLICY if "IssueCredential" not in method}, POLICY)


def test_only_health_is_public_and_nothing_else_is_at_both_doors() -> None:
    public = {method for method, needs in POLICY.items() if needs is Access.PUBLIC}
    assert {method.split("/")[1] for method in public} == {"grpc.health.v1.Health"}
    assert set(POLICY) & set(clients.POLICY) == public


def test_every_state_of_the_contract_is_one_of_the_house() -> None:
    assert set(convert.CREDENTIAL_STATES.values()) == {"valid", "expired", "revoked", "disabled", "canary"}
    assert set(convert.CLIENT_STATES.values()) == {"enabled", "disabled", "unregistered"}
    assert set(convert.CHAT_STATES.values()) == {"authorized", "suspended", "unauthorized"}
