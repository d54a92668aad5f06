"""A flood of tokens that are none, from the outside: threat row 27."""

from __future__ import annotations

import asyncio
import gc
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from jwt.algorithms import ECAlgorithm
from structlog.testing import capture_logs

from chatkey.admin.v1 import key_service_pb2 as key_pb
from chatkey.v1 import credential_self_pb2 as pb_self
from chatkey.v1 import messaging_gateway_pb2 as pb
from gateway.access.failed_attempts import FailedAttempts
from gateway.access.slow_lane import SlowLane
from gateway.addresses import AddressRanges
from gateway.clock import SystemClock
from gateway.model import Permission
from gateway.rpc.call import Call
from tests.support.open_administration import open_offices, outside_offices
from tests.support.open_door import SEND, Outside, outside, refusal_of
from tests.support.open_house import CHAT, open_house

LIMIT = 5
HELLO = pb.SendMessageRequest(chat_id=CHAT, text="hello", wait_for=pb.WAIT_FOR_ACCEPTANCE)


class StoppedClock(SystemClock):
    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
async def view(clock: StoppedClock) -> AsyncIterator[Outside]:
    proxies = AddressRanges.parse(["127.0.0.1"])
    async with (
        open_house(failures=FailedAttempts(clock, LIMIT)) as house,
        outside(house, trusted_proxies=proxies) as opened,
    ):
        yield opened


@pytest.fixture
def signature_checks(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    checks: list[bytes] = []
    verify = ECAlgorithm.verify

    def counted(self: ECAlgorithm, msg: bytes, key: Any, sig: bytes) -> bool:
        checks.append(sig)
        return verify(self, msg, key, sig)

    monkeypatch.setattr(ECAlgorithm, "verify", counted)
    return checks


async def flood(view: Outside, calls: int, address: str = "192.0.2.1") -> list[grpc.StatusCode]:
    """Call with tokens that look right and are signed wrong; return how each call ended."""
    signing_input = view.house.token().rpartition(".")[0]
    ended = []
    for number in range(calls):
        signature = urlsafe_b64encode(number.to_bytes(64, "big")).decode().rstrip("=")
        token = f"{signing_input}.{signature}"
        call: Any = view.channel.unary_unary(SEND)(b"", metadata=view.bearer(token, ("x-forwarded-for", address)))
        ended.append(await call.code())
    return ended


def strangers(view: Outside, calls: int) -> list[Any]:
    """Call as many times with tokens that are none, and as many with no token, all at once."""
    forged = view.bearer(view.house.token().rpartition(".")[0] + "." + "A" * 86)
    return [view.channel.unary_unary(SEND)(b"", metadata=metadata) for _ in range(calls) for metadata in (forged, ())]


async def sent(view: Outside, token: str, address: str = "192.0.2.1") -> Any:
    return await view.messaging.SendMessage(HELLO, metadata=view.bearer(token, ("x-forwarded-for", address)))


async def test_row_27_a_flood_is_refused_unread_and_told_when_to_come_back(
    view: Outside, clock: StoppedClock, signature_checks: list[bytes]
) -> None:
    codes = await flood(view, 50)
    assert codes == [grpc.StatusCode.UNAUTHENTICATED] * LIMIT + [grpc.StatusCode.RESOURCE_EXHAUSTED] * 45
    assert len(signature_checks) == LIMIT
    refusal = await refusal_of(sent(view, view.house.token()))
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_FAILURES")
    (retry,) = refusal.details(RetryInfo)
    assert retry.retry_delay.ToTimedelta() == timedelta(seconds=60 / LIMIT)
    assert refusal.trailers["grpc-retry-pushback-ms"] == str(60_000 // LIMIT)
    clock.seconds += 60 / LIMIT
    assert (await sent(view, view.house.token())).message.id


async def test_row_27_a_flood_hurts_nobody_whose_token_was_good_and_no_other_address(view: Outside) -> None:
    known = view.house.token()
    await sent(view, known)
    assert grpc.StatusCode.RESOURCE_EXHAUSTED in await flood(view, 20)
    for _ in range(20):
        assert (await sent(view, known)).message.id
    assert (await sent(view, view.house.token(), "192.0.2.2")).message.id


async def test_row_27_every_call_of_a_flood_is_counted_in_the_audit_log(view: Outside) -> None:
    with capture_logs() as lines:
        await flood(view, 300)
    assert sum(line["event"] == "grpc.call" and line["log_level"] == "info" for line in lines) == LIMIT
    await view.house.ledger.close()
    records = [record for _, record in await view.house.store.records(event="call.refused", limit=1000)]
    by_cause = {
        reason: sum(each.count for each in records if each.reason == reason)
        for reason in {record.reason for record in records}
    }
    assert by_cause.pop("too_many_failures") == 300 - LIMIT
    assert sum(by_cause.values()) == LIMIT
    assert len(records) < 120, "a flood fills no log"


async def test_of_a_flood_a_hundred_calls_have_a_log_line_and_all_are_on_record(view: Outside) -> None:
    with capture_logs() as lines:
        for _ in range(130):
            await refusal_of(view.raw(SEND))
    assert sum(line["event"] == "grpc.call" and line["log_level"] == "info" for line in lines) == 100
    await view.house.ledger.close()
    records = await view.house.store.records(event="call.refused", limit=1000)
    assert sum(record.count for _, record in records) == 130


async def test_of_a_call_that_was_refused_nothing_is_left_for_the_collector(view: Outside) -> None:
    reader = view.house.token(permissions={Permission.READ})
    gc.collect()
    gc.disable()
    try:
        for metadata in ((), view.bearer("x.y.z"), view.bearer(reader)):
            for _ in range(10):
                await refusal_of(view.raw(SEND, metadata=metadata))
        view.metrics.quiet.clear()
        await sent(view, view.house.token())
        await view.metrics.quiet.wait()
        assert sum(type(each) is Call for each in gc.get_objects()) <= 1
    finally:
        gc.enable()


async def test_what_costs_no_look_at_a_token_is_not_held_against_its_address(view: Outside) -> None:
    for authorization in ("", "Basic dXNlcg==", "Bearer =", f"Bearer {'x' * 5000}"):
        for _ in range(LIMIT):
            metadata = (("authorization", authorization), ("x-forwarded-for", "192.0.2.1"))
            assert (await refusal_of(view.raw(SEND, metadata=metadata))).code is grpc.StatusCode.UNAUTHENTICATED
    assert (await sent(view, view.house.token())).message.id


def stopped() -> SlowLane:
    """Return a lane that lets one refusal be answered at once, and the next one never, once somebody was served."""
    return SlowLane(SystemClock(), rest=timedelta(hours=1), patience=timedelta(hours=1))


@pytest.fixture
async def slow() -> AsyncIterator[Outside]:
    async with open_house(lane=stopped()) as house, outside(house) as opened:
        await sent(opened, house.token())
        await refusal_of(opened.raw(SEND))
        yield opened


async def until_recorded(view: Outside, refusals: int) -> None:
    async with asyncio.timeout(30):
        while len(await view.house.refusals()) < refusals:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


async def test_row_27_whoever_has_a_good_token_is_served_while_strangers_wait(slow: Outside) -> None:
    waiting = strangers(slow, 20)
    await until_recorded(slow, 41)
    for _ in range(20):
        assert (await sent(slow, slow.house.token())).message.id, "one that was never seen before"
    assert not any(call.done() for call in waiting)
    assert len(slow.house.telegram.sent) == 21


@pytest.mark.parametrize("is_known", [True, False])
async def test_row_27_refusals_wait_once_a_call_was_done_for_a_caller_and_not_for_health(is_known: bool) -> None:
    lane = stopped()
    async with open_house(lane=lane) as house, outside(house) as view:
        for _ in range(2):
            await refusal_of(view.raw(SEND))
        if is_known:
            await view.credential_self.DescribeCredential(pb_self.DescribeCredentialRequest(), metadata=view.bearer())
        else:
            await view.raw("/grpc.health.v1.Health/Check")
            await refusal_of(view.raw(SEND, metadata=view.bearer()))
        await refusal_of(view.raw(SEND))
        last = view.channel.unary_unary(SEND)(b"")
        await until_recorded(view, 4 if is_known else 5)
        if not is_known:
            await refusal_of(last)
        assert lane.waiting == is_known


async def test_row_27_whoever_goes_away_while_it_waits_is_on_record(slow: Outside) -> None:
    waiting = strangers(slow, 20)
    await until_recorded(slow, 41)
    for call in waiting:
        call.cancel()
    assert {await call.code() for call in waiting} == {grpc.StatusCode.CANCELLED}
    assert len(await slow.house.refusals()) == 41
    async with asyncio.timeout(30):
        await slow.metrics.quiet.wait()
    assert (await sent(slow, slow.house.token())).message.id


async def test_row_27_what_waits_is_answered_as_any_refusal_when_the_door_closes() -> None:
    async with open_house(lane=stopped()) as house, outside(house) as view:
        at_once = await refusal_of(view.raw(SEND))
        await sent(view, house.token())
        await refusal_of(view.raw(SEND))
        waiting = asyncio.gather(*[refusal_of(call) for call in strangers(view, 20)])
        await until_recorded(view, 42)
        house.desk.drain()
        assert {refusal.wire for refusal in await waiting} == {at_once.wire}


async def test_row_27_the_doors_share_a_lane_and_no_operator_waits_in_it(tmp_path: Path) -> None:
    lane = stopped()
    async with (
        open_house(lane=lane) as house,
        open_offices(tmp_path, house, lane=lane) as offices,
        outside_offices(offices) as admin,
        outside(house) as clients,
    ):
        await admin.keys.ListKeys(key_pb.ListKeysRequest(), metadata=admin.meant())
        await refusal_of(clients.raw(SEND))
        stranger = admin.keys.ListKeys(key_pb.ListKeysRequest())
        async with asyncio.timeout(30):
            while not lane.waiting:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        await admin.keys.ListKeys(key_pb.ListKeysRequest(), metadata=admin.meant())
        await sent(clients, house.token())
        assert not stranger.done()
        offices.desk.entrance.drain()
        assert (await refusal_of(stranger)).code is grpc.StatusCode.UNAUTHENTICATED
