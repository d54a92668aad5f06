"""The admin desk, built from the configuration and what the rest of the gateway shares with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gateway.access.approvals import Approvals
from gateway.access.authenticators import Authenticators
from gateway.access.failed_attempts import FailedAttempts
from gateway.access.key_ring import open_ring
from gateway.access.keys import KeySet
from gateway.access.operator_tokens import OperatorVerifier
from gateway.access.second_factor import SecondFactor
from gateway.access.slow_lane import SlowLane
from gateway.app.bot import MOST_DISCOVERED
from gateway.app.rooms import Rooms
from gateway.audit import archive, proof
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
from gateway.telegram.failures import BotFailure


def admin_desk(
    config: Config,
    clock: Clock,
    rooms: Rooms,
    *,
    keys: KeySet,
    are_keys_stale: Callable[[], bool],
    failures: FailedAttempts,
    lane: SlowLane,
) -> AdminDesk:
    """Build it; `keys` are those of operators' tokens."""
    store = rooms.store
    authenticators = Authenticators(store.second_factors, clock)
    approvals = Approvals(store.second_factors, clock, rooms.new_id, rooms.registry.stands)
    entrance = Entrance(
        verifier=OperatorVerifier(
            keys,
            issuer=config.issuer,
            audience=config.operator_audience,
            clock=clock,
            is_stale=are_keys_stale,
        ),
        registry=rooms.registry,
        second_factor=SecondFactor(authenticators, clock, approvals if config.admin_approval == "two_person" else None),
        own_factor=SecondFactor(authenticators, clock),
        ledger=rooms.ledger,
        log=store,
        failures=failures,
        lane=lane,
        clock=clock,
        allowed_addresses=config.allowed_addresses,
    )
    ring = None if config.issuer_jwks_file else open_ring(config.data_dir)

    async def prove(expected: Mapping[int, bytes]) -> proof.Verdict:
        return await proof.verify(store, store.seals, rooms.public_keys, expected, archive.directory(config.data_dir))

    async def discover() -> Sequence[SeenChat]:
        if config.updates != "off":
            return [
                SeenChat(chat_id=chat.chat_id, type=chat.type, title=chat.title)
                for chat in await store.updates.seen(MOST_DISCOVERED)
            ]
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
