"""What of the rooms is counted for operators."""

from __future__ import annotations

from gateway.access.failed_attempts import FailedAttempts
from gateway.access.registry import Registry
from gateway.access.slow_lane import SlowLane
from gateway.delivery.dispatcher import Dispatcher
from gateway.telemetry import Metrics


def export_delivery(metrics: Metrics, dispatcher: Dispatcher) -> None:
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


def export_registry(metrics: Metrics, registry: Registry) -> None:
    metrics.gauge(
        "chatkey_registry_fresh", "1 while it can be told what was revoked.", lambda: float(not registry.is_stale)
    )
    metrics.gauge(
        "chatkey_tokens_revoked",
        "Tokens that were revoked one by one, and are not forgotten.",
        lambda: len(registry.revocations.tokens),
    )


def export_failures(metrics: Metrics, failures: FailedAttempts) -> None:
    _export_failures(metrics, failures, "chatkey_tokens_refused", "Tokens")


def export_lane(metrics: Metrics, lane: SlowLane) -> None:
    metrics.gauge(
        "chatkey_refusals_waiting", "Refusals that wait for their answer while others are served.", lambda: lane.waiting
    )


def export_operator_failures(metrics: Metrics, failures: FailedAttempts) -> None:
    _export_failures(metrics, failures, "chatkey_operator_tokens_refused", "Tokens at the door of operators")


def _export_failures(metrics: Metrics, failures: FailedAttempts, name: str, what: str) -> None:
    metrics.totals(
        name,
        f"{what} that failed, and those that were refused unread because too many from their address had.",
        "how",
        lambda: {"failed": failures.failed_total, "unread": failures.refused_total},
    )
