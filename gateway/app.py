"""The only place that knows every room: builds them from the configuration, starts, drains and stops them."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.access.issue import Issuer
from gateway.access.issuers import Trust
from gateway.access.jwk_sets import read_jwks
from gateway.access.key_ring import KeyRing, open_ring, trusted_in
from gateway.access.keys import DEFAULT_ALGORITHMS, KeySet
from gateway.access.last_use import LastUse
from gateway.access.registry import Registry, Unknown
from gateway.access.tokens import Verifier
from gateway.audit.ledger import Ledger
from gateway.audit.sealer import Sealer
from gateway.audit.signing import open_signer
from gateway.clock import Clock, SystemClock
from gateway.config import Config
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.outbox import Outbox
from gateway.delivery.pacing import MODES, Pacing
from gateway.delivery.quota import Quotas
from gateway.delivery.retention import Retention
from gateway.desk.desk import Desk
from gateway.errors import ConfigInvalid, Unavailable
from gateway.ids import opaque_maker, pooled, uuid7_maker
from gateway.jwks.fetch import Fetcher
from gateway.jwks.file_source import FileSource
from gateway.jwks.public_file import read_public
from gateway.jwks.url_source import UrlSource
from gateway.model import Caller
from gateway.rpc.credentials import Tls
from gateway.rpc.server import Door, open_door
from gateway.store.registry import Quota
from gateway.store.seals import Checkpoint
from gateway.store.sqlite import open_sqlite
from gateway.telegram.connector import Connector, SeenChat, open_connector
from gateway.telegram.failures import BotFailure, BotRefused
from gateway.telegram.token import TokenSource, from_file, from_value
from gateway.telemetry import Metrics, logger
from gateway.trust import TrustedIssuer
from gateway.web.door import open_web

_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class App:
    """A gateway that serves.

    Attributes:
        grpc_port: Where the gRPC door listens; 0 for a local socket.
        http_port: Where the HTTP door listens.
        metrics: What it counts.
        broken: Set once a part of it has stopped that must not: it would accept, and never deliver.
    """

    grpc_port: int
    http_port: int
    metrics: Metrics
    broken: asyncio.Event


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
        store = await stack.enter_async_context(open_sqlite(config.database_path, max_bytes=config.database_max_size))
        keys = KeySet([])
        own = _own_keys(keys, config, clock)
        trusted = [_trust_in(issuer, config, clock) for issuer in config.trusted_issuers]
        await _open(stack, broken, [own, *(source for _, source in trusted)])
        verifier = Verifier(
            keys,
            issuer=config.issuer,
            audience=config.audience,
            clock=clock,
            max_lifetime=config.token_max_lifetime,
            is_stale=own.is_stale,
            trusted=[trust for trust, _ in trusted],
            on_tainted_key=_tell_tainted,
        )
        readiness = _Readiness()
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
            open_connector(_bot_token(config), base_url=config.bot_api_url, proxy=_proxy(config))
        )
        ledger = Ledger(store, clock)
        signer = open_signer(config.data_dir)
        sealer = Sealer(store, store.seals, signer, clock, opaque_maker(chance), _tell_checkpoint)
        serving = asyncio.Event()
        stack.push_async_callback(_seal_the_rest, sealer, serving)
        stack.push_async_callback(ledger.close)
        dispatcher = Dispatcher(
            store,
            connector,
            clock,
            random.SystemRandom().random,
            pacing=Pacing(MODES[config.pacing]),
            on_bot_state=readiness.tell_bot,
            may_leave=registry.may_leave,
            follow_migration=config.follow_migration == "follow",
        )
        stack.push_async_callback(dispatcher.drain, config.drain)
        outbox = Outbox(store, dispatcher, clock, uuid7_maker(clock, chance), _quotas(config, registry))
        desk = Desk(
            verifier=verifier,
            registry=registry,
            last_use=last_use,
            outbox=outbox,
            ledger=ledger,
            clock=clock,
            issuer=_issuer(config, clock, chance),
            allowed_addresses=config.allowed_addresses,
        )
        _export(metrics, dispatcher)
        _export_registry(metrics, registry)
        door = await stack.enter_async_context(
            open_door(
                desk,
                listen=config.grpc_listen,
                tls=_tls(config),
                clock=clock,
                new_id=opaque_maker(chance),
                metrics=metrics,
                trusted_proxies=config.trusted_proxies,
                grace=config.drain,
            )
        )
        http_port = await stack.enter_async_context(
            open_web(
                config.http_listen,
                registry=metrics.registry,
                not_ready=readiness.why_not,
                jwks=keys.jwks,
            )
        )
        # Only now can nothing refuse the start any more, which would be said in one line and nothing else.
        registry.tell()
        readiness.begin(dispatcher, door)
        await _start(
            stack,
            broken,
            dispatcher=dispatcher.run(),
            retention=Retention(store, clock, config.retention).run(),
            ledger=ledger.run(),
            sealer=sealer.run(),
            registry=registry.run(),
            sweeps=registry.run_sweeps(),
            last_use=last_use.run(),
            greeting=_greet(connector, dispatcher),
        )
        serving.set()
        yield App(door.port, http_port, metrics, broken)


class _Readiness:
    """Tells operators, load balancers and the dispatcher whether messages can be taken and delivered."""

    def __init__(self) -> None:
        self._bot_ok = self._is_fresh = True
        self._dispatcher: Dispatcher | None = None
        self._door: Door | None = None

    def begin(self, dispatcher: Dispatcher, door: Door) -> None:
        """Tell these from now on."""
        self._dispatcher, self._door = dispatcher, door
        self._tell()

    def why_not(self) -> str | None:
        """Say why no message can be taken or delivered now, in one line; None: they can."""
        if not self._is_fresh:
            return "It can't be told what was revoked."
        return None if self._bot_ok else "Telegram refuses the bot token."

    def tell_registry(self, is_fresh: bool) -> None:
        """Take note of whether it can be told what was revoked."""
        self._is_fresh = is_fresh
        self._tell()

    def _tell(self) -> None:
        if self._dispatcher and self._door:
            self._dispatcher.hold(not self._is_fresh)
            self._door.set_serving(self.why_not() is None)

    def tell_bot(self, bot_ok: bool) -> None:
        """Take note of whether Telegram takes the bot token."""
        self._bot_ok = bot_ok
        self._tell()
        if bot_ok:
            _log.info("bot.accepted", meaning="Telegram takes the bot token again; delivery goes on.")
        else:
            _log.error(
                "bot.refused",
                meaning="Telegram refuses the bot token. Messages are kept; put the right token into the token file.",
            )


def _tell_tainted(caller: Caller) -> None:
    _log.warning(
        "token.tainted_key",
        client=caller.client,
        token_id=caller.token_id,
        key_id=caller.key_id,
        meaning="Give this client a new token before the key is revoked.",
    )


def _own_keys(keys: KeySet, config: Config, clock: Clock) -> FileSource:
    """Return what keeps the keys of our own tokens up to date: the ring, or a file where the ring is elsewhere."""
    path = config.issuer_jwks_file
    if path is not None:
        return FileSource(
            lambda: read_public(path),
            lambda data: keys.replace(read_jwks(data, DEFAULT_ALGORITHMS)),
            name=f"CHATKEY_ISSUER_JWKS_FILE: {path}",
            clock=clock,
        )
    ring = open_ring(config.data_dir)
    ring.check()
    return FileSource(ring.content, lambda data: keys.replace(trusted_in(data)), name=str(ring.path), clock=clock)


class _ActiveKey:
    """Signs with the key of the ring that is active at the moment: a rotation needs no restart."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def sign(self, claims: Mapping[str, object]) -> str:
        return self._ring.signing_key().sign(claims)


def _issuer(config: Config, clock: Clock, random_bytes: Callable[[int], bytes]) -> Issuer | None:
    """Return what mints our own tokens; None where their keys are elsewhere."""
    if config.issuer_jwks_file:
        return None
    return Issuer(
        _ActiveKey(open_ring(config.data_dir)),
        issuer=config.issuer,
        audience=config.audience,
        clock=clock,
        random_bytes=random_bytes,
        max_ttl=config.token_max_lifetime,
    )


def _trust_in(issuer: TrustedIssuer, config: Config, clock: Clock) -> tuple[Trust, FileSource | UrlSource]:
    """Return what is believed of another issuer, and what keeps its keys up to date."""
    keys = KeySet([])
    source: FileSource | UrlSource
    on_unknown_key = None

    def accept(data: bytes) -> None:
        keys.replace(read_jwks(data, issuer.algorithms))

    path = issuer.jwks_file
    if path is not None:
        name = f"the keys of {issuer.issuer} in {path}"
        source = FileSource(lambda: read_public(path), accept, name=name, clock=clock)
    else:
        fetch = Fetcher(issuer.jwks_url, ca_file=issuer.jwks_ca_file, networks=issuer.jwks_networks)
        name = f"the keys of {issuer.issuer} at {issuer.jwks_url}"
        source = UrlSource(fetch, accept, name=name, clock=clock)
        on_unknown_key = source.miss
    trust = Trust.of(
        issuer,
        keys,
        max_lifetime=config.token_max_lifetime,
        is_stale=source.is_stale,
        on_unknown_key=on_unknown_key,
    )
    return trust, source


async def _open(stack: AsyncExitStack, broken: asyncio.Event, sources: list[FileSource | UrlSource]) -> None:
    """Read every source for the first time, all at once, and follow them."""
    for outcome in await asyncio.gather(*(source.open() for source in sources), return_exceptions=True):
        if outcome is not None:
            raise outcome
    await _start(stack, broken, **{f"keys {number}": source.run() for number, source in enumerate(sources)})


async def _start(stack: AsyncExitStack, broken: asyncio.Event, **work: Coroutine[None, None, None]) -> None:
    tasks = [asyncio.create_task(one, name=name) for name, one in work.items()]

    def ended(task: asyncio.Task[None]) -> None:
        # Nobody waits for it, so nobody would learn of it.
        if not task.cancelled() and (bug := task.exception()):
            _log.critical("server.bug", exc_info=bug, task=task.get_name())
            broken.set()

    for task in tasks:
        task.add_done_callback(ended)

    async def end() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    stack.push_async_callback(end)


async def _greet(connector: Connector, dispatcher: Dispatcher) -> None:
    """Say who the bot is, or why that can't be learned: a wrong token is noticed now, not with the first message."""
    try:
        bot = await connector.identify()
    except BotRefused:
        dispatcher.bot_refused()
    except BotFailure as failure:
        _log.warning("bot.unreachable", why=str(failure), meaning="Messages are kept until Telegram can be reached.")
    else:
        _log.info("bot.identified", bot_id=bot.id, username=bot.username)


async def seen_chats(config: Config) -> tuple[SeenChat, ...]:
    """Return the chats in which the bot saw something lately.

    Raises:
        ConfigInvalid: there is no usable bot token.
        BotFailure: Telegram refuses, or can't be reached.
    """
    async with open_connector(_bot_token(config), base_url=config.bot_api_url, proxy=_proxy(config)) as connector:
        return await connector.seen_chats()


async def _seal_the_rest(sealer: Sealer, serving: asyncio.Event) -> None:
    """Seal what was recorded; a start that was refused has recorded nothing, and has one line to say."""
    if serving.is_set():
        await sealer.close()


def _tell_checkpoint(checkpoint: Checkpoint) -> None:
    """Put a checkpoint where whoever may write the database can't reach it: into the log, which goes elsewhere."""
    _log.info(
        "audit.checkpoint",
        number=checkpoint.number,
        # Two fields, which `chatkey audit verify --expect SEQ:LINK` takes as one: together they look like a bot token.
        seq=checkpoint.seq,
        link=checkpoint.link.hex(),
        key_id=checkpoint.key_id,
        signature=checkpoint.signature.hex(),
    )


async def serve(config: Config, announce: Callable[[str], None]) -> None:
    """Run a gateway until SIGTERM or SIGINT; a second signal ends it at once.

    Args:
        announce: Told in one line for people, once calls are taken.

    Raises:
        ConfigInvalid: it can't start.
        Unavailable: a bug has ended it.
    """
    # The store's threads hand the interpreter back this soon; the usual 5 ms is longer than a whole delivery.
    sys.setswitchinterval(0.0005)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def on_signal() -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    async with running(config) as app:
        grpc = config.grpc_listen if not app.grpc_port else f"{config.grpc_listen.rpartition(':')[0]}:{app.grpc_port}"
        http = f"http://{config.http_listen.rpartition(':')[0]}:{app.http_port}"
        announce(f"Chatkey serves gRPC at {grpc}, health and metrics at {http}.")
        await _either(stop, app.broken)
        _log.info("server.stopping", meaning="No new calls; those under way may end.")
    _log.info("server.stopped")
    if app.broken.is_set():
        raise Unavailable("A part of the server has stopped, and with it the whole; its log says why.")


async def _either(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


def _bot_token(config: Config) -> TokenSource:
    if config.bot_token_file:
        return from_file(config.bot_token_file)
    if config.bot_token:
        return from_value(config.bot_token.reveal())
    raise ConfigInvalid("No bot token: set CHATKEY_BOT_TOKEN_FILE to a file that holds it.")


def _proxy(config: Config) -> str | None:
    if config.bot_api_proxy_file:
        return _line(config.bot_api_proxy_file, "CHATKEY_BOT_API_PROXY_FILE")
    return config.bot_api_proxy.reveal() if config.bot_api_proxy else None


def _line(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigInvalid(f"{name}: {path} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigInvalid(f"{name}: {path} is not a text.") from None


def _tls(config: Config) -> Tls | None:
    if not (config.tls_cert_file and config.tls_key_file):
        return None
    return Tls(cert_file=config.tls_cert_file, key_file=config.tls_key_file, client_ca_file=config.tls_client_ca_file)


def _quotas(config: Config, registry: Registry) -> Quotas:
    default = Quota(per_minute=config.quota_per_minute, per_day=config.quota_per_day, queue_depth=config.quota_queue)
    return Quotas(default, most_waiting=config.quota_queue_total, of=registry.quota_of)


def _export_registry(metrics: Metrics, registry: Registry) -> None:
    metrics.gauge(
        "chatkey_registry_fresh", "1 while it can be told what was revoked.", lambda: float(not registry.is_stale)
    )
    metrics.gauge(
        "chatkey_tokens_revoked",
        "Tokens that were revoked one by one, and are not forgotten.",
        lambda: len(registry.revocations.tokens),
    )


def _export(metrics: Metrics, dispatcher: Dispatcher) -> None:
    counts = dispatcher.counts
    metrics.gauge("chatkey_messages_waiting", "Messages that are not final.", lambda: counts.waiting)
    metrics.gauge("chatkey_attempts_under_way", "Attempts that wait for Telegram's answer.", lambda: counts.sending)
    metrics.gauge("chatkey_bot_accepted", "1 while Telegram takes the bot token.", lambda: float(dispatcher.bot_ok))
    metrics.gauge("chatkey_chats_closed", "Chats that refuse the bot.", lambda: dispatcher.chats.closed)
    metrics.gauge(
        "chatkey_migrations_to_approve",
        "Groups that became supergroups, and whose messages wait for an approval.",
        lambda: dispatcher.chats.moves_to_approve,
    )
    metrics.totals(
        "chatkey_messages_accepted",
        "Messages that were accepted, and requests that repeated one.",
        "kind",
        lambda: {"new": counts.accepted, "repeat": counts.replays},
    )
    metrics.totals("chatkey_attempts", "Attempts by what came of them.", "outcome", lambda: counts.attempts)
    metrics.totals("chatkey_messages_finished", "Messages by their end.", "state", lambda: counts.finished)
    metrics.totals(
        "chatkey_rate_limited", "Refusals with 429 by what they paused.", "paused", lambda: counts.rate_limited
    )
