from __future__ import annotations

import pytest
from grpc_health.v1 import health_pb2

from chatkey.v1 import chat_service_pb2, credential_self_pb2, messaging_gateway_pb2, update_service_pb2
from gateway.rpc.policy import POLICY, Access, require_complete


def registered() -> set[str]:
    files = (messaging_gateway_pb2, chat_service_pb2, update_service_pb2, credential_self_pb2, health_pb2)
    return {
        f"/{service.full_name}/{method.name}"
        for file in files
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }


def test_every_rpc_of_the_contract_stands_in_the_policy() -> None:
    assert set(POLICY) == registered()
    require_complete(registered())


def test_a_gateway_with_an_rpc_beside_the_policy_does_not_start() -> None:
    with pytest.raises(LookupError, match=r"/a\.S/New"):
        require_complete({*registered(), "/a.S/New"})
    with pytest.raises(LookupError, match="SendMessage"):
        require_complete(registered() - {"/chatkey.v1.MessagingGateway/SendMessage"})


def test_only_health_is_public() -> None:
    public = {method for method, needs in POLICY.items() if needs is Access.PUBLIC}
    assert {method.split("/")[1] for method in public} == {"grpc.health.v1.Health"}
