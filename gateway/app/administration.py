"""Administration over the network: the admin desk and its door, where the configuration asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway.access.approvals import Approvals
from gateway.access.authenticators import Authenticators
from gateway.access.failed_attempts import FailedAttempts
from gateway.access.issue import Issuer
from gateway.access.key_ring import open_ring
from gateway.access.keys import KeySet
from gateway.access.operator_tokens import OperatorVerifier
from gateway.access.registry import Registry
from gateway.access.second_factor import SecondFactor
from gateway.access.tokens import Verifier
from gateway.audit import archive, proof
from gateway.audit.ledger import Ledger
from gateway.clock import Clock
from gateway.config import Config
from gateway.desk.admin.audit import Audit
from gateway.desk.admin.chats import Chats
from gateway.desk.admin.clients import Clients
from gateway.desk.admin.credentials import Credentials
from gateway.desk.admin.desk import AdminDesk
from gateway.desk.admin.entrance import Entrance
from gateway.desk.admin.keys import Keys
from gateway.desk.admin.rooms import SeenChat
from gateway.desk.admin.second_persons import SecondPersons
from gateway.errors import TelegramUnavailable
from gateway.rpc.admin.door import open_admin_door
from gateway.rpc.certificates import Certificates
from gateway.rpc.observe import CallMetrics
from gateway.rpc.server import Door
from gateway.store.sqlite import SqliteStore
from gateway.telegram.connector import Connector
from gateway.telegram.failures import BotFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """What administration shares with the rest of the gateway."""

    store: SqliteStore
    keys: KeySet
    are_keys_stale: Callable[[], bool]
    verifier: Verifier
    registry: Registry
    ledger: Ledger
    connector: Connector
    issuer: Issuer | None
    public_keys: Sequence[bytes]
    new_id: Callable[[], str]


def admin_desk(config: Config, clock: Clock, rooms: Rooms) -> AdminDesk:
    store = rooms.store
    authenticators = Authenticators(store.second_factors, clock)
    approvals = Approvals(store.second_factors, clock, rooms.new_id)
    entrance = Entrance(
        verifier=OperatorVerifier(
            rooms.keys,
            issuer=config.issuer,
            audience=config.operator_audience,
            clock=clock,
            is_stale=rooms.are_keys_stale,
        ),
        registry=rooms.registry,
        second_factor=SecondFactor(authenticators, clock, approvals if config.admin_approval == "two_person" else None),
        own_factor=SecondFactor(authenticators, clock),
        ledger=rooms.ledger,
        log=store,
        failures=FailedAttempts(clock, config.failures_per_minute),
        clock=clock,
        allowed_addresses=config.allowed_addresses,
    )
    ring = None if config.issuer_jwks_file else open_ring(config.data_dir)

    async def prove(expected: Mapping[int, bytes]) -> proof.Verdict:
        return await proof.verify(store, store.seals, rooms.public_keys, expected, archive.directory(config.data_dir))

    async def discover() -> Sequence[SeenChat]:
        try:
            seen = await rooms.connector.seen_chats()
        except BotFailure as failure:
            raise TelegramUnavailable() from failure
        return [SeenChat(chat_id=chat.id, type=chat.type, title=chat.title) for chat in seen]

    return AdminDesk(
        entrance=entrance,
        credentials=Credentials(
            entrance,
            store.registry,
            clock,
            own_issuer=config.issuer,
            issuer=rooms.issuer,
            verifier=rooms.verifier,
            trusts=lambda key_id: rooms.keys.find(key_id) is not None,
        ),
        keys=Keys(entrance, store, clock, ring=ring, jwks=rooms.keys.jwks, token_lifetime=config.token_max_lifetime),
        clients=Clients(entrance, store.registry, clock),
        chats=Chats(entrance, store.registry, store.chats, clock, discover=discover),
        audit=Audit(entrance, store, prove=prove),
        second_persons=SecondPersons(entrance, approvals),
    )


@asynccontextmanager
async def open_administration(
    config: Config,
    clock: Clock,
    rooms: Rooms,
    *,
    tls: Certificates | None,
    metrics: CallMetrics,
) -> AsyncIterator[Door | None]:
    """Serve operators until the block is left; None where nobody is to."""
    if not config.admin_listen:
        yield None
        return
    async with open_admin_door(
        admin_desk(config, clock, rooms),
        listen=config.admin_listen,
        tls=tls,
        clock=clock,
        new_id=rooms.new_id,
        metrics=metrics,
        trusted_proxies=config.trusted_proxies,
        grace=config.drain,
    ) as door:
        yield door
