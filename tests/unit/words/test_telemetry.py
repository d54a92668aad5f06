"""No secret leaves in a log line, whoever wrote it; metrics carry the names that dashboards know."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from prometheus_client import generate_latest

from gateway.telemetry import Metrics, configure_logging, logger, redacted

BOT = "123456789:AAHcanaryCanaryCanaryCanaryCanaryCan"
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJjaGF0X2lkIjotMTAwMX0.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("DEBUG", "json", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_neither_a_bot_token_nor_a_jwt_gets_through(lines: io.StringIO) -> None:
    logger("ours").info("sent", url=f"https://api.telegram.org/bot{BOT}/sendMessage", bearer=JWT)
    logging.getLogger("httpx").info("POST https://api.telegram.org/bot%s/sendMessage", BOT)
    try:
        raise ValueError(BOT)
    except ValueError:
        logger("ours").exception("failed")
        logging.getLogger("theirs").exception("failed with %s", JWT)
    text = lines.getvalue()
    assert BOT.split(":")[1] not in text
    assert JWT.split(".")[2] not in text
    assert JWT.split(".")[1] not in text
    assert "123456789:****" in text
    assert len([json.loads(line) for line in text.splitlines()]) == 4


async def test_the_lines_of_a_turn_are_written_whole_in_order_and_at_its_end(lines: io.StringIO) -> None:
    logger("ours").info("first")
    logging.getLogger("theirs").warning("second")
    await asyncio.to_thread(logger("ours").info, "from a thread")
    logger("ours").info("third")
    await asyncio.sleep(0)
    found = [json.loads(line)["event"] for line in lines.getvalue().splitlines()]
    assert [event for event in found if "selector" not in event] == ["first", "second", "from a thread", "third"]


def test_what_a_loop_did_not_come_to_write_is_written_by_the_next_line(lines: io.StringIO) -> None:
    async def ends() -> None:
        logger("ours").info("last of its loop")

    asyncio.run(ends())
    asyncio.run(ends())
    logger("ours").info("after it")
    assert [event["event"] for event in map(json.loads, lines.getvalue().splitlines()) if event.get("source")] == [
        "last of its loop",
        "last of its loop",
        "after it",
    ]


def test_text_without_a_secret_stays_as_it_is() -> None:
    assert redacted("12:34 chat -1001 eyJ") == "12:34 chat -1001 eyJ"


def test_the_series_of_grpc_servers_have_the_usual_names() -> None:
    metrics = Metrics()
    metrics.started("/chatkey.v1.MessagingGateway/SendMessage")
    metrics.handled("/chatkey.v1.MessagingGateway/SendMessage", "OK", 0.004)
    metrics.gauge("chatkey_queue_depth", "Messages that are not final.", lambda: 7, state="QUEUED")
    text = generate_latest(metrics.registry).decode()
    labels = 'grpc_method="SendMessage",grpc_service="chatkey.v1.MessagingGateway",grpc_type="unary"'
    assert f"grpc_server_started_total{{{labels}}} 1.0" in text
    assert 'grpc_server_handled_total{grpc_code="OK"' in text
    assert f"grpc_server_handling_seconds_count{{{labels}}} 1.0" in text
    assert 'chatkey_queue_depth{state="QUEUED"} 7.0' in text


def test_totals_are_read_when_somebody_asks() -> None:
    metrics, totals = Metrics(), {"chat": 2}
    metrics.totals("chatkey_rate_limited", "Refusals with 429.", "paused", lambda: totals)
    totals["bot"] = 1
    text = generate_latest(metrics.registry).decode()
    assert 'chatkey_rate_limited_total{paused="bot"} 1.0' in text
    assert 'chatkey_rate_limited_total{paused="chat"} 2.0' in text
