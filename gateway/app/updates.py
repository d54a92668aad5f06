"""What happens in chats, from Telegram to the desk: fetched or sent, kept, and told; or not at all."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.access.registry import Registry
from gateway.app.bot import bot_token, proxy
from gateway.app.replicas import Turn
from gateway.app.webhook_secret import webhook_secret
from gateway.audit.ledger import Ledger
from gateway.clock import Clock
from gateway.config import Config
from gateway.delivery.dispatcher import Dispatcher
from gateway.model import Update
from gateway.telegram.inbound import open_inbound
from gateway.telemetry import Metrics
from gateway.updates.effects import Effects
from gateway.updates.feed import Feed
from gateway.updates.intake import Intake
from gateway.updates.patience import Patience
from gateway.updates.polling import Polling
from gateway.updates.retention import Retention
from gateway.updates.seen import Seen
from gateway.updates.source import KINDS
from gateway.updates.webhook import Registration, Webhook
from gateway.web.webhook import open_webhook

if TYPE_CHECKING:
    from gateway.store.databases import AnyStore

CLASH = "Something else takes this bot's updates."


@dataclass(slots=True)
class Updates:
    """The room, where updates are on.

    Attributes:
        feed: What tells callers; None: they are told nothing.
        work: What goes on while the gateway serves.
        patience: Knows whether somebody else takes the bot's updates.
        webhook_port: Where the webhook listens; None: there is none.
    """

    feed: Feed | None = None
    work: dict[str, Callable[[], Coroutine[None, None, None]]] = field(default_factory=dict)
    patience: Patience | None = None
    webhook_port: int | None = None

    def note(self) -> str | None:
        """Say what is wrong that keeps no message back; None: nothing."""
        return CLASH if self.patience is not None and self.patience.clashes else None


@asynccontextmanager
async def open_updates(
    config: Config,
    clock: Clock,
    store: AnyStore,
    turn: Turn,
    dispatcher: Dispatcher,
    registry: Registry,
    ledger: Ledger,
    metrics: Metrics,
    random_bytes: Callable[[int], bytes],
) -> AsyncIterator[Updates]:
    """Open what the configuration asks for; its work is still to be started.

    Raises:
        ConfigInvalid: An address is in use, or the secret can't be read.
    """
    if config.updates == "off":
        yield Updates()
        return
    async with AsyncExitStack() as stack:
        feed = Feed(store.updates)
        effects = Effects(dispatcher.chats.was_refused, dispatcher.chat_is_back)

        def kept(updates: Sequence[Update]) -> None:
            feed.kept(updates)
            effects.kept(updates)

        seen = Seen(store.updates, clock)
        intake = Intake(store.updates, clock, on_kept=kept, is_wanted=registry.is_wanted, on_chat=seen.heard_of)
        source = await stack.enter_async_context(
            open_inbound(bot_token(config), KINDS, base_url=config.bot_api_url, proxy=proxy(config))
        )
        patience = Patience(clock, random.SystemRandom().random, dispatcher.bot_refused)
        updates = Updates(feed=feed, patience=patience)
        updates.work = {
            "seen chats": seen.run,
            "update retention": Retention(store.updates, clock, config.update_retention).run,
        }
        if turn.is_shared:
            updates.work["feed"] = feed.run
        _export(metrics, intake, patience)
        if config.updates == "polling":
            updates.work["polling"] = Polling(source, intake, patience, clock, is_our_turn=lambda: turn.is_ours).run
        else:
            secret = webhook_secret(config, random_bytes)
            webhook = Webhook(intake, secret, clock, ledger.refused)
            path = urlsplit(config.webhook_url).path or "/"
            updates.webhook_port = await stack.enter_async_context(open_webhook(config.webhook_listen, path, webhook))
            metrics.totals(
                "chatkey_webhook_requests_refused",
                "Requests at the webhook's listener that were not taken.",
                "why",
                lambda: webhook.refused,
            )
            registration = Registration(source, patience, config.webhook_url, secret, is_our_turn=lambda: turn.is_ours)
            metrics.gauge(
                "chatkey_updates_undelivered",
                "Updates that Telegram had not delivered to the webhook when it was last asked.",
                lambda: registration.waiting,
            )
            updates.work["webhook"] = registration.run
        yield updates


def _export(metrics: Metrics, intake: Intake, patience: Patience) -> None:
    counts = intake.counts
    metrics.totals("chatkey_updates", "Updates by what became of them.", "outcome", lambda: counts.totals)
    metrics.totals("chatkey_updates_dropped", "Updates that nobody is told of, by why.", "why", lambda: counts.dropped)
    metrics.gauge(
        "chatkey_updates_lag_seconds",
        "How long before it was kept the last message had been written, by Telegram's clock.",
        lambda: counts.lag_seconds,
    )
    metrics.gauge(
        "chatkey_updates_clash",
        "1 while something else takes the bot's updates.",
        lambda: float(patience.clashes),
    )
