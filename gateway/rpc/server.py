"""The gRPC door: a hardened server in front of the desk."""

from __future__ import annotations

import os
import resource
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2

from chatkey.v1 import chat_service_pb2, credential_self_pb2, messaging_gateway_pb2, update_service_pb2
from gateway.addresses import AddressRanges
from gateway.clock import Clock
from gateway.desk.desk import Desk
from gateway.errors import ConfigInvalid, GatewayError
from gateway.rpc import policy
from gateway.rpc.address import require_address
from gateway.rpc.authenticate import Authenticate
from gateway.rpc.call import Call
from gateway.rpc.certificates import Certificates
from gateway.rpc.chat_service import ChatService
from gateway.rpc.credential_self_service import CredentialSelfService
from gateway.rpc.handlers import PATIENCE, Handle, handler_of_nothing, routes_of
from gateway.rpc.health_service import HealthService
from gateway.rpc.messaging_service import MessagingService
from gateway.rpc.observe import CallMetrics, Observer
from gateway.rpc.refusals import Refusals
from gateway.rpc.routing import Routing
from gateway.rpc.update_service import UpdateService

GRACE = timedelta(seconds=15)
OWN_FILES = 384
"""Open files that are kept for what is not a connection of callers: the database, Telegram, the pages, operators."""
FEWEST_CONNECTIONS = 64
CONNECTIONS = "grpc.max_allowed_incoming_connections"
NO_PROXIES = AddressRanges()
_ANY_NUMBER = (1 << 31) - 1

OPTIONS: Sequence[tuple[str, int]] = (
    ("grpc.max_concurrent_streams", 64),  # not advertised by default: a reset flood then runs thousands of handlers
    # On by default: refuses an honest client's next stream while the last one is still being freed. The limit above
    # stops a reset flood without it.
    ("grpc.http.overload_protection", 0),
    # More than a request may have: what is only a little too large is refused in our words, and its reason.
    ("grpc.max_receive_message_length", 256 * 1024),
    # What is read ahead of a call whose request nobody asks for yet: 64 KiB, and not as much as the network can carry.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.max_metadata_size", 8192),
    ("grpc.absolute_max_metadata_size", 8192),  # equal to the one above: in between, gRPC refuses at random
    ("grpc.compression_enabled_algorithms_bitset", 1),  # identity only
    ("grpc.so_reuseport", 0),  # on by default: another process could bind the port and share its calls
    ("grpc.max_connection_age_ms", 300_000),
    ("grpc.max_connection_age_grace_ms", 35_000),  # longer than any SendMessage waits: an answer on its way arrives
    ("grpc.max_connection_idle_ms", 120_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),  # a minute by default, whatever the one above says
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
    ("grpc.http2.max_ping_strikes", 2),
    ("grpc.server_handshake_timeout_ms", 10_000),
    # 1000 by default: from there on gRPC cancels calls at random, good ones too. As above, equal or at random.
    ("grpc.server.max_pending_requests", 2048),
    ("grpc.server.max_pending_requests_hard_limit", 2048),
    ("grpc.enable_channelz", 0),
)


def require_no_trace() -> None:
    """Return if gRPC keeps to itself what it reads; raises `ConfigInvalid`."""
    if os.environ.get("GRPC_TRACE"):
        raise ConfigInvalid("GRPC_TRACE is set: gRPC would print every caller's token. Unset it.")


def most_connections(files: int) -> int:
    """Return how many connections there may be at once in a process that may have so many files open; -1: any number.

    Without a bound a flood of connections uses up the files, and then neither the database nor Telegram can be opened.
    """
    return max(FEWEST_CONNECTIONS, files - OWN_FILES) if files >= 0 else _ANY_NUMBER


@dataclass(frozen=True, slots=True)
class Door:
    """The open door.

    Attributes:
        port: Where it listens; 0 for a local socket.
        set_serving: Tells load balancers whether to send calls; not until it was called with True.
    """

    port: int
    set_serving: Callable[[bool], None]


class Authenticating(Protocol):
    """Lets a call through to its handler, or raises."""

    def around(self, handle: Handle) -> Handle:
        """Let those in to a handler who may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """What is behind a door, and who stands in it.

    Attributes:
        services: What is served, beside health.
        policy: Has every RPC that there may be.
        authenticate: Decides who may come in.
        refusals: Answers whoever may not.
        drain: Lets the calls end that would not end by themselves.
    """

    services: Sequence[tuple[ServiceDescriptor, object]]
    policy: Mapping[str, object]
    authenticate: Authenticating
    refusals: Refusals
    drain: Callable[[], None]


@asynccontextmanager
async def open_door(
    desk: Desk,
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
    """Serve clients until the block is left; then let the calls end.

    Args:
        listen: `HOST:PORT` (port 0 takes a free one) or `unix:PATH`; without `tls` on this machine only.
        tls: What the door shows and asks for; whoever gives it follows its files.
        new_id: Gives a new id that nobody can guess, for calls and for refusals.
        trusted_proxies: From where `x-forwarded-for` is believed.
        grace: How long calls may take to end once the block is left.
        patience: How long the one request of a call may take to come.

    Raises:
        ConfigInvalid: the address is not allowed, not ours or in use; `GRPC_TRACE` is set.
        LookupError: the policy does not name exactly the RPCs that are served.
    """

    def note(error: GatewayError, call: Call, error_id: str) -> None:
        desk.refused(error, call.origin, call.caller, error_id)

    refusals = Refusals(note=note, turn=desk.turn, served=desk.served, new_id=new_id)
    front = Front(
        services=[
            (messaging_gateway_pb2.DESCRIPTOR.services_by_name["MessagingGateway"], MessagingService(desk, refusals)),
            (chat_service_pb2.DESCRIPTOR.services_by_name["ChatService"], ChatService(desk)),
            (update_service_pb2.DESCRIPTOR.services_by_name["UpdateService"], UpdateService(desk)),
            (credential_self_pb2.DESCRIPTOR.services_by_name["CredentialSelf"], CredentialSelfService(desk)),
        ],
        policy=policy.POLICY,
        authenticate=Authenticate(desk=desk, trusted_proxies=trusted_proxies),
        refusals=refusals,
        drain=desk.drain,
    )
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with opened(
        front,
        listen=listen,
        tls=tls,
        clock=clock,
        new_id=new_id,
        metrics=metrics,
        grace=grace,
        patience=patience,
        limits={CONNECTIONS: most_connections(files)},
    ) as door:
        yield door


@asynccontextmanager
async def opened(
    front: Front,
    *,
    listen: str,
    tls: Certificates | None,
    clock: Clock,
    new_id: Callable[[], str],
    metrics: CallMetrics,
    grace: timedelta,
    patience: timedelta,
    limits: Mapping[str, int],
) -> AsyncIterator[Door]:
    """Serve what is behind a door, hardened, until the block is left; as `open_door`.

    Args:
        limits: Options of gRPC that are this door's own. So many `CONNECTIONS` there may be at once; who comes then is
            let go unheard.
    """
    require_no_trace()
    require_address(listen, encrypted=tls is not None)
    credentials = tls.credentials() if tls else None
    health = HealthService([service.full_name for service, _ in front.services])
    server = _server(front, health, clock, new_id, metrics, patience, limits)
    port = await _bound(server, listen, credentials)
    await server.start()
    try:
        yield Door(port, health.set_serving)
    finally:
        health.close()
        front.drain()
        await server.stop(grace.total_seconds())


def _server(
    front: Front,
    health: HealthService,
    clock: Clock,
    new_id: Callable[[], str],
    metrics: CallMetrics,
    patience: timedelta,
    limits: Mapping[str, int],
) -> grpc.aio.Server:
    services = [*front.services, (health_pb2.DESCRIPTOR.services_by_name["Health"], health)]
    routes = {name: route for service in services for name, route in routes_of(*service, patience).items()}
    policy.require_complete(routes, front.policy)
    kinds = {name: route.kind for name, route in routes.items()}
    observer = Observer(clock=clock, new_id=new_id, metrics=metrics, kinds=kinds)

    def around(handle: Handle) -> Handle:
        # Observed outermost, so that refusals are counted; refused outside of the rest, so that it simply raises.
        return observer.around(front.refusals.around(front.authenticate.around(handle)))

    handlers = {name: route.handler(around) for name, route in routes.items()}
    routing = Routing(observer=observer, handlers=handlers, unknown=handler_of_nothing(around))
    server = grpc.aio.server(options=tuple({**dict(OPTIONS), **limits}.items()))
    server.add_generic_rpc_handlers((routing,))
    return server


async def _bound(server: grpc.aio.Server, listen: str, credentials: grpc.ServerCredentials | None) -> int:
    try:
        if credentials is not None:
            port = server.add_secure_port(listen, credentials)
        else:
            port = server.add_insecure_port(listen)
    except RuntimeError:
        # gRPC logs the end of a server that was never stopped while it frees it, which may crash the process.
        await server.start()
        await server.stop(None)
        raise ConfigInvalid(f"can't listen on {listen}: the address is in use, or not one of this machine.") from None
    # gRPC numbers a local socket too, by 1.
    return 0 if listen.startswith("unix:") else port
