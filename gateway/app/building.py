"""Builds every room from the configuration, starts and stops them."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.access.children import Children
from gateway.access.failed_attempts import FailedAttempts
from gateway.access.keys import KeySet
from gateway.access.last_use import LastUse
from gateway.access.registry import Registry, Unknown
from gateway.access.slow_lane import SlowLane
from gateway.access.tokens import Verifier
from gateway.app.administration import open_administration
from gateway.app.alarm import Alarm, exempt
from gateway.app.bot import bot_token, greet, proxy
from gateway.app.keys import own_issuer, own_keys, trust_in
from gateway.app.lifetime import note_start, note_stop
from gateway.app.metrics import export_delivery, export_failures, export_lane, export_registry
from gateway.app.notices import tell_not_archived, tell_tainted
from gateway.app.readiness import Readiness
from gateway.app.replicas import Turn
from gateway.app.rooms import Rooms
from gateway.app.updates import open_updates
from gateway.app.work import start
from gateway.audit import archive
from gateway.audit.ledger import Ledger
from gateway.audit.rotation import Rotation
from gateway.audit.sealer import Sealer
from gateway.audit.signing import open_signer
from gateway.clock import Clock, SystemClock
from gateway.config import Config
from gateway.delivery import usage
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.outbox import Outbox
from gateway.delivery.pacing import MODES, Pacing
from gateway.delivery.quota import Quotas
from gateway.delivery.retention import Retention
from gateway.desk.chats import Chats
from gateway.desk.desk import Desk
from gateway.ids import opaque_maker, pooled, uuid7_maker
from gateway.jwks.file_source import FileSource
from gateway.jwks.url_source import UrlSource
from gateway.moderation.moderation import Moderation
from gateway.rpc.certificates import Certificates, Tls
from gateway.rpc.server import open_door
from gateway.store.databases import open_serving
from gateway.store.registry import Quota
from gateway.telegram.connector import open_connector
from gateway.telemetry import Metrics
from gateway.updates.feed import Feed
from gateway.web.door import open_web

if TYPE_CHECKING:
    from gateway.store.databases import AnyStore


@dataclass(frozen=True, slots=True)
class App:
    """A gateway that serves.

    Attributes:
        grpc_port: Where the gRPC door listens; 0 for a local socket.
        http_port: Where the HTTP door listens.
        metrics: What it counts.
        admin_port: Where the gRPC door of operators listens; 0 for a local socket, None: there is none.
        webhook_port: Where Telegram's webhook listens; None: there is none.
        feed: What happens in chats; None: this gateway takes no updates.
        broken: Set once a part of it has stopped that must not: it would accept, and never deliver.
    """

    grpc_port: int
    http_port: int
    metrics: Metrics
    broken: asyncio.Event
    admin_port: int | None = None
    webhook_port: int | None = None
    feed: Feed | None = None


@asynccontextmanager
async def running(config: Config, clock: Clock | None = None) -> AsyncIterator[App]:
    """Run a gateway until the block is left; then let calls and attempts that are under way end.

    Raises:
        ConfigInvalid: something is missing, malformed, in use or not ours; nothing is left running.
    """
    clock = clock or SystemClock()
    metrics = Metrics()
    chance = pooled(os.urandom)
    broken = asyncio.Event()
    async with AsyncExitStack() as stack:
        # First, because it is the store that keeps us out of a directory which is not ours.
        store = await stack.enter_async_context(open_serving(config))
        turn = Turn(store)
        keys = KeySet([])
        own = own_keys(keys, config, clock)
        trusted = [trust_in(issuer, config, clock) for issuer in config.trusted_issuers]
        await _open(stack, broken, [own, *(source for _, source in trusted)])
        verifier = Verifier(
            keys,
            issuer=config.issuer,
            audience=config.audience,
            clock=clock,
            max_lifetime=config.token_max_lifetime,
            is_stale=own.is_stale,
            trusted=[trust for trust, _ in trusted],
            on_tainted_key=tell_tainted,
        )
        readiness = Readiness()
        # Long before it is ready and until the end, so that whoever asks is told why it is not.
        http_port = await stack.enter_async_context(
            open_web(
                config.http_listen,
                registry=metrics.registry,
                not_ready=readiness.why_not,
                jwks=keys.jwks,
                note=lambda: readiness.note(),
            )
        )
        registry = Registry(
            store.registry,
            clock,
            trusts=verifier.trusts,
            unknown_clients=Unknown(config.unknown_clients),
            unknown_chats=Unknown(config.unknown_chats),
            max_staleness=config.max_staleness,
            on_freshness=readiness.tell_registry,
        )
        await registry.load()
        last_use = LastUse(store.registry)
        stack.push_async_callback(last_use.flush)
        connector = await stack.enter_async_context(
            open_connector(bot_token(config), base_url=config.bot_api_url, proxy=proxy(config))
        )
        alarm = Alarm(clock, config.security_chat)
        ledger = Ledger(store, clock, alarm.refused, readiness.tell_log)
        signer = open_signer(config.data_dir)
        stack.push_async_callback(turn.end)
        sealer = Sealer(
            store, store.seals, signer, clock, opaque_maker(chance), alarm.sealed, may_seal=lambda: turn.is_ours
        )
        serving = asyncio.Event()
        stack.push_async_callback(_seal_the_rest, sealer, serving, store, clock)
        stack.push_async_callback(ledger.close)
        dispatcher = Dispatcher(
            store,
            connector,
            clock,
            random.SystemRandom().random,
            pacing=Pacing(MODES[config.pacing]),
            on_bot_state=readiness.tell_bot,
            may_leave=turn.only_in_turn(exempt(registry.may_leave)),
            follow_migration=config.follow_migration == "follow",
        )
        quotas = _quotas(config, registry)
        await usage.recall(quotas, store, clock)
        delivery = await turn.share(stack, broken, dispatcher, quotas, clock)
        stack.push_async_callback(dispatcher.drain, config.drain)
        outbox = Outbox(store, dispatcher, clock, uuid7_maker(clock, chance), quotas)
        updates = await stack.enter_async_context(
            open_updates(config, clock, store, turn, dispatcher, registry, ledger, metrics, chance)
        )
        failures = FailedAttempts(clock, config.failures_per_minute)
        lane = SlowLane(clock)
        children = None
        if issuer := own_issuer(config, clock, chance):
            children = Children(issuer, verifier.verify, store.registry, clock, config.narrowed_per_minute)
        moderation = Moderation(connector.moderator, dispatcher, store, clock, random.SystemRandom().random)
        stack.push_async_callback(moderation.drain)
        desk = Desk(
            verifier=verifier,
            registry=registry,
            last_use=last_use,
            outbox=outbox,
            chats=Chats(
                registry=registry,
                last_use=last_use,
                moderation=moderation,
                clock=clock,
                calls_per_minute=config.chat_calls_per_minute,
            ),
            ledger=ledger,
            clock=clock,
            failures=failures,
            lane=lane,
            children=children,
            updates=updates.feed,
            allowed_addresses=config.allowed_addresses,
        )
        export_delivery(metrics, dispatcher)
        turn.export(metrics)
        export_registry(metrics, registry)
        export_failures(metrics, failures)
        export_lane(metrics, lane)
        certificates = _certificates(config)
        if certificates is not None:
            await start(stack, broken, certificates=certificates.run())
        door = await stack.enter_async_context(
            open_door(
                desk,
                listen=config.grpc_listen,
                tls=certificates,
                clock=clock,
                new_id=opaque_maker(chance),
                metrics=metrics,
                trusted_proxies=config.trusted_proxies,
                grace=config.drain,
            )
        )
        rooms = Rooms(
            store=store,
            keys=keys,
            verifier=verifier,
            registry=registry,
            ledger=ledger,
            connector=connector,
            issuer=issuer,
            public_keys=[signer.public],
            new_id=opaque_maker(chance),
        )
        admin_door = await stack.enter_async_context(
            open_administration(config, clock, rooms, lane=lane, tls=certificates, metrics=metrics, broken=broken)
        )
        await note_start(store, clock)
        # Only now can nothing refuse the start any more, which would be said in one line and nothing else.
        registry.tell()
        readiness.begin(dispatcher, door)
        await start(
            stack,
            broken,
            dispatcher=delivery(),
            retention=Retention(store, clock, config.retention).run(),
            ledger=ledger.run(),
            sealer=sealer.run(),
            alarm=alarm.run(outbox),
            rotation=_rotation(config, store, clock),
            registry=registry.run(),
            sweeps=registry.run_sweeps(),
            last_use=last_use.run(),
            greeting=greet(connector, dispatcher),
            **{name: run() for name, run in updates.work.items()},
        )
        readiness.note = updates.note
        serving.set()
        stack.callback(readiness.end)
        if updates.feed is not None:
            stack.callback(updates.feed.close)
        if admin_door is not None:
            admin_door.set_serving(True)
        admin_port = admin_door.port if admin_door else None
        yield App(door.port, http_port, metrics, broken, admin_port, updates.webhook_port, updates.feed)


async def _open(stack: AsyncExitStack, broken: asyncio.Event, sources: list[FileSource | UrlSource]) -> None:
    """Read every source for the first time, all at once, and follow them."""
    for outcome in await asyncio.gather(*(source.open() for source in sources), return_exceptions=True):
        if outcome is not None:
            raise outcome
    await start(stack, broken, **{f"keys {number}": source.run() for number, source in enumerate(sources)})


async def _rotation(config: Config, store: AnyStore, clock: Clock) -> None:
    if config.audit_retention is not None:
        rotation = Rotation(store, store.seals, archive.directory(config.data_dir), clock)
        await rotation.run(config.audit_retention, tell_not_archived)


async def _seal_the_rest(sealer: Sealer, serving: asyncio.Event, store: AnyStore, clock: Clock) -> None:
    """Seal what was recorded; a start that was refused has recorded nothing, and has one line to say."""
    if serving.is_set():
        await note_stop(store, clock)
        await sealer.close()


def _certificates(config: Config) -> Certificates | None:
    if not (config.tls_cert_file and config.tls_key_file):
        return None
    ca_file = config.tls_client_ca_file
    return Certificates(Tls(cert_file=config.tls_cert_file, key_file=config.tls_key_file, client_ca_file=ca_file))


def _quotas(config: Config, registry: Registry) -> Quotas:
    default = Quota(per_minute=config.quota_per_minute, per_day=config.quota_per_day, queue_depth=config.quota_queue)
    return Quotas(default, most_waiting=config.quota_queue_total, of=registry.quota_of)
