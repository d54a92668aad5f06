"""How the bot is told of what happens, against a Bot API: getUpdates, webhooks, and all that goes wrong with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.sandbox import Sandbox, running
from gateway.telegram import failures
from gateway.telegram.inbound import Inbound, open_inbound
from gateway.telegram.token import from_value
from gateway.updates.source import KINDS
from tests.support import canary
from tests.support.server import until

CHAT = -1001
URL = "https://chatkey.example/hook"


@pytest.fixture
def sandbox() -> Sandbox:
    sandbox = Sandbox(limits="none")
    sandbox.add_chat(CHAT, type="supergroup", title="Ops", topics=(42,))
    return sandbox


@pytest.fixture
async def inbound(sandbox: Sandbox) -> AsyncIterator[Inbound]:
    token = from_value(canary.BOT_TOKEN)
    async with running(sandbox) as url, open_inbound(token, KINDS, base_url=url, wait_s=0) as opened:
        await opened.delete_webhook()
        yield opened


def texts(updates: Any) -> list[str]:
    return [update["message"]["text"] for update in updates]


async def test_what_is_not_confirmed_comes_again_and_what_is_does_not(sandbox: Sandbox, inbound: Inbound) -> None:
    for text in ("a", "b", "c"):
        sandbox.inject({"chat_id": CHAT, "text": text})
    assert texts(await inbound.updates(None, 2)) == ["a", "b"]
    found = await inbound.updates(None, 100)
    assert texts(found) == ["a", "b", "c"]
    assert texts(await inbound.updates(found[1]["update_id"] + 1, 100)) == ["c"]  # type: ignore[index]
    assert texts(await inbound.updates(None, 100)) == ["c"]


async def test_an_update_comes_as_telegram_wrote_it(sandbox: Sandbox, inbound: Inbound) -> None:
    sandbox.inject({"update": {"message_reaction": {"chat": {"id": CHAT}, "a_field_of_tomorrow": [1, {"x": None}]}}})
    await inbound.updates(None, 100)
    sandbox.inject({"update": {"message_reaction": {"chat": {"id": CHAT}, "a_field_of_tomorrow": [1, {"x": None}]}}})
    (update,) = await inbound.updates(None, 100)
    assert update["message_reaction"] == {"chat": {"id": CHAT}, "a_field_of_tomorrow": [1, {"x": None}]}  # type: ignore[index]


async def test_what_is_not_asked_for_does_not_come(sandbox: Sandbox, inbound: Inbound) -> None:
    await inbound.updates(None, 100)
    sandbox.inject({"update": {"poll": {"id": "1"}}})
    sandbox.inject({"update": {"chat_member": {"chat": {"id": CHAT}}}})
    assert [set(update) for update in await inbound.updates(None, 100)] == [{"update_id", "chat_member"}]  # type: ignore[call-overload]


async def test_while_a_webhook_is_set_nothing_is_fetched_and_nothing_that_waits_is_lost(
    sandbox: Sandbox, inbound: Inbound
) -> None:
    sandbox.inject({"chat_id": CHAT, "text": "early"})
    await inbound.set_webhook("http://localhost:9/hook", "s3cret")
    assert (await inbound.webhook()).url == "http://localhost:9/hook"
    with pytest.raises(failures.Refused) as refused:
        await inbound.updates(None, 100)
    assert refused.value.code == 409
    await inbound.delete_webhook()
    assert (await inbound.webhook()).url == ""
    assert texts(await inbound.updates(None, 100)) == ["early"]


async def test_it_is_told_why_updates_are_not_taken(sandbox: Sandbox, inbound: Inbound) -> None:
    await inbound.set_webhook("http://localhost:9/hook", "s3cret")
    sandbox.inject({"chat_id": CHAT, "text": "hello"})

    async def is_told() -> bool:
        state = await inbound.webhook()
        return (state.waiting, state.problem) == (1, "Connection failed") and state.problem_at > 0

    await until(is_told, "the failure is told")


async def test_an_address_that_telegram_does_not_take_is_refused(inbound: Inbound) -> None:
    with pytest.raises(failures.Refused) as refused:
        await inbound.set_webhook("ftp://chatkey.example", "s3cret")
    assert refused.value.code == 400
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "unauthorized"}, failures.BotRefused),
        ({"kind": "rate_limited", "retry_after": 3}, failures.RateLimited),
        ({"kind": "bad_gateway_html"}, failures.Unanswered),
        ({"kind": "truncated_json"}, failures.Unanswered),
        ({"kind": "reset_after_body"}, failures.Unanswered),
        ({"kind": "lost_reply"}, failures.Unanswered),
    ],
)
async def test_every_failure_is_one_of_the_house(
    fault: dict[str, Any], kind: type[failures.BotFailure], sandbox: Sandbox, inbound: Inbound
) -> None:
    sandbox.add_fault("getUpdates", None, fault=fault)
    with pytest.raises(kind) as failed:
        await inbound.updates(None, 100)
    assert not canary.found_in(repr(failed.value).encode())
    assert failed.value.__context__ is None
