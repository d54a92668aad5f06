"""The gRPC door of operators: as hardened as that of clients, and a listener of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

from chatkey.admin.v1 import (
    approval_service_pb2,
    audit_service_pb2,
    chat_registry_service_pb2,
    client_service_pb2,
    credential_service_pb2,
    key_service_pb2,
)
from gateway.addresses import AddressRanges
from gateway.clock import Clock
from gateway.desk.admin.desk import AdminDesk
from gateway.errors import GatewayError
from gateway.rpc.admin import policy
from gateway.rpc.admin.approval_service import ApprovalService
from gateway.rpc.admin.audit_service import AuditService
from gateway.rpc.admin.authenticate import AuthenticateOperator
from gateway.rpc.admin.chat_registry_service import ChatRegistryService
from gateway.rpc.admin.client_service import ClientService
from gateway.rpc.admin.credential_service import CredentialService
from gateway.rpc.admin.key_service import KeyService
from gateway.rpc.call import Call
from gateway.rpc.certificates import Certificates
from gateway.rpc.handlers import PATIENCE
from gateway.rpc.observe import CallMetrics
from gateway.rpc.refusals import Refusals
from gateway.rpc.server import CONNECTIONS, FEWEST_CONNECTIONS, GRACE, NO_PROXIES, Door, Front, opened

# Operators are few and call now and then. A stranger who takes up the connections has to come again soon to keep them:
# after 5 s without a word of HTTP/2, or without a certificate where one is asked for; after 10 s without a call; after
# a minute, and the grace of the last call, whatever he does.
LIMITS: Mapping[str, int] = {
    CONNECTIONS: FEWEST_CONNECTIONS,
    "grpc.server_handshake_timeout_ms": 5_000,
    "grpc.max_connection_idle_ms": 10_000,
    "grpc.max_connection_age_ms": 60_000,
}


@asynccontextmanager
async def open_admin_door(
    desk: AdminDesk,
    *,
    listen: str,
    tls: Certificates | None = None,
    clock: Clock,
    new_id: Callable[[], str],
    metrics: CallMetrics,
    trusted_proxies: AddressRanges = NO_PROXIES,
    grace: timedelta = GRACE,
    patience: timedelta = PATIENCE,
) -> AsyncIterator[Door]:
    """Serve operators until the block is left; then let the calls end. Takes and raises what `open_door` does."""

    def note(error: GatewayError, call: Call, error_id: str) -> None:
        desk.entrance.refused(error, call.origin, call.operator, error_id)

    front = Front(
        services=[
            (
                credential_service_pb2.DESCRIPTOR.services_by_name["CredentialService"],
                CredentialService(desk.credentials),
            ),
            (key_service_pb2.DESCRIPTOR.services_by_name["KeyService"], KeyService(desk.keys)),
            (client_service_pb2.DESCRIPTOR.services_by_name["ClientService"], ClientService(desk.clients)),
            (
                chat_registry_service_pb2.DESCRIPTOR.services_by_name["ChatRegistryService"],
                ChatRegistryService(desk.chats),
            ),
            (
                approval_service_pb2.DESCRIPTOR.services_by_name["ApprovalService"],
                ApprovalService(desk.second_persons),
            ),
            (audit_service_pb2.DESCRIPTOR.services_by_name["AuditService"], AuditService(desk.audit)),
        ],
        policy=policy.POLICY,
        authenticate=AuthenticateOperator(entrance=desk.entrance, trusted_proxies=trusted_proxies),
        refusals=Refusals(note=note, turn=desk.entrance.turn, served=desk.entrance.served, new_id=new_id),
        drain=desk.entrance.drain,
    )
    async with opened(
        front,
        listen=listen,
        tls=tls,
        clock=clock,
        new_id=new_id,
        metrics=metrics,
        grace=grace,
        patience=patience,
        limits=LIMITS,
    ) as door:
        yield door
