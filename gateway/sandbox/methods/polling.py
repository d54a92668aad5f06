"""How a bot gets its updates: getUpdates or a webhook, never both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.sandbox.errors import Refusal, refusal
from gateway.sandbox.updates import Update
from gateway.sandbox.webhooks import CONNECTIONS_LIMIT, DEFAULT_CONNECTIONS, read_webhook

from .call import Call, Described

UPDATES_LIMIT = 100
POLL_SECONDS_LIMIT = 50
"""Longest timeout of getUpdates; longer ones are cut."""

_WEBHOOK_ACTIVE = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"


async def get_updates(call: Call) -> Sequence[Update]:
    """https://core.telegram.org/bots/api#getupdates"""
    if call.bot.pusher is not None:
        raise refusal(409, _WEBHOOK_ACTIVE)
    parameters = call.parameters
    _choose(call)
    return await call.bot.updates.poll(
        offset=parameters.integer("offset"),
        limit=parameters.integer("limit", UPDATES_LIMIT, 1, UPDATES_LIMIT),
        timeout=parameters.integer("timeout", 0, 0, POLL_SECONDS_LIMIT),
    )


def set_webhook(call: Call) -> Described:
    """https://core.telegram.org/bots/api#setwebhook"""
    parameters = call.parameters
    url = parameters.text("url").strip()
    if not url:
        return delete_webhook(call)
    connections = parameters.integer("max_connections", DEFAULT_CONNECTIONS, 1, CONNECTIONS_LIMIT)
    webhook = read_webhook(url, parameters.text("secret_token"), connections, parameters.text("ip_address"))
    _choose(call)
    if parameters.flag("drop_pending_updates"):
        call.bot.updates.clear()
    if call.bot.pusher is not None and call.bot.pusher.webhook == webhook:
        return Described(True, "Webhook is already set")
    call.bot.updates.end_poll(refusal(409, "terminated by setWebhook request"))
    call.bot.set_webhook(webhook, call.world.wall)
    return Described(True, "Webhook was set")


def delete_webhook(call: Call) -> Described:
    """https://core.telegram.org/bots/api#deletewebhook"""
    if call.parameters.flag("drop_pending_updates"):
        call.bot.updates.clear()
    was_set = call.bot.pusher is not None
    call.bot.set_webhook(None, call.world.wall)
    return Described(True, "Webhook was deleted" if was_set else "Webhook is already deleted")


def get_webhook_info(call: Call) -> dict[str, Any]:
    """https://core.telegram.org/bots/api#getwebhookinfo"""
    pusher, updates = call.bot.pusher, call.bot.updates
    answer: dict[str, Any] = {"url": pusher.webhook.url if pusher else "", "has_custom_certificate": False}
    answer["pending_update_count"] = len(updates)
    if pusher is not None:
        if pusher.last_error is not None:
            answer["last_error_date"], answer["last_error_message"] = pusher.last_error
        answer["max_connections"] = pusher.webhook.max_connections
        if pusher.webhook.ip_address:
            answer["ip_address"] = pusher.webhook.ip_address
    if updates.allowed_by_choice:
        answer["allowed_updates"] = updates.allowed_by_choice
    return answer


def _choose(call: Call) -> None:
    # What cannot be parsed leaves the choice as it was (Client.cpp, get_allowed_update_types).
    if "allowed_updates" not in call.parameters:
        return
    try:
        call.bot.updates.choose(call.parameters.json("allowed_updates", ""))
    except Refusal:
        return


METHODS = {
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
}
