from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from structlog.testing import capture_logs

from chatkey.v1 import messaging_gateway_pb2 as pb
from gateway.access.issue import Issuer
from gateway.access.keys import SigningKey
from gateway.model import MAX_CHAT_ID, Permission
from gateway.rpc import health_service
from gateway.rpc.policy import POLICY, Access
from tests.support.open_door import SEND, CountedCalls, Outside, Refusal, outside, refusal_of
from tests.support.open_house import AUDIENCE, CHAT, ISSUER, open_house

CANARY = "canary-123456:AAabcdefghijklmnopqrstuvwxyz"
METHODS = [method for method, needs in POLICY.items() if needs is not Access.PUBLIC]
TRICKS = ["/a.S/M", f"/{SEND}", f"{SEND}?x=1", f"{SEND}/", SEND.lower(), SEND.replace("/S", "%2FS"), "/", "/x"]
EVERYTHING = frozenset(Permission)
UNKNOWN_FIELD = b"\xd2\x09\x01x"


@pytest.fixture
async def view() -> AsyncIterator[Outside]:
    async with outside() as opened:
        yield opened


async def send(view: Outside, token: str | None = None, **fields: object) -> Refusal:
    request = pb.SendMessageRequest(**{"chat_id": CHAT, "text": "hello", **fields})  # type: ignore[arg-type]
    return await refusal_of(view.messaging.SendMessage(request, metadata=view.bearer(token)))


def forged(view: Outside) -> str:
    issuer = Issuer(
        SigningKey.generate(), issuer=ISSUER, audience=AUDIENCE, clock=view.house.clock, random_bytes=lambda n: b"x" * n
    )
    return issuer.issue(client="billing", chat_id=CHAT).token


async def test_without_a_good_token_every_cause_gets_the_same_bytes(view: Outside) -> None:
    good = view.house.token()
    bad: list[Sequence[tuple[str, str]]] = [
        (),
        (("authorization", ""),),
        (("authorization", "Basic dXNlcg=="),),
        (("authorization", "Bearer x"),),
        (("authorization", f"Bearer {good}="),),
        (("authorization", f"Bearer {good[:-4]}AAAA"),),
        (("authorization", f"Bearer {forged(view)}"),),
        (("authorization", f"Bearer {'x' * 4097}"),),
        (("x-authorization", f"Bearer {good}"),),
        (("authorization-bin", f"Bearer {good}".encode()),),  # type: ignore[list-item]
    ]
    refusals = [await refusal_of(view.raw(SEND, metadata=metadata)) for metadata in bad]
    assert len({refusal.wire for refusal in refusals}) == 1
    assert (refusals[0].code, refusals[0].text) == (grpc.StatusCode.UNAUTHENTICATED, "unauthenticated")
    assert refusals[0].info.reason == "UNAUTHENTICATED"
    assert len({record.reason for record in await view.house.refusals()}) >= 5


async def test_a_genuine_token_whose_time_is_over_is_told_so(view: Outside) -> None:
    token = view.house.token(ttl=timedelta(seconds=1))
    view.house.clock.ahead = timedelta(minutes=1)
    refusal = await refusal_of(view.raw(SEND, metadata=view.bearer(token)))
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED")


async def test_row_56_two_authorization_entries_are_refused_even_when_both_are_good(view: Outside) -> None:
    token = view.house.token()
    twice = (*view.bearer(token), *view.bearer(token))
    refusal = await refusal_of(view.raw(SEND, metadata=twice))
    assert refusal.wire == (await refusal_of(view.raw(SEND))).wire
    assert (await view.house.refusals())[0].reason == "several_tokens"


async def test_row_1_every_foreign_chat_is_refused(view: Outside) -> None:
    for chat_id in (5, -5, CHAT + 1, CHAT - 1, -CHAT, MAX_CHAT_ID, 2**63 - 1, -(2**63)):
        refusal = await send(view, chat_id=chat_id)
        assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
        assert (await view.house.refusals())[-1].claimed_chat_id == chat_id
    assert not view.house.telegram.sent


async def test_row_3_a_chat_that_is_absent_or_zero_or_repeated(view: Outside) -> None:
    for fields in ({"chat_id": 0}, {"chat_id": None}):
        refusal = await send(view, **fields)
        assert (refusal.code, refusal.violations) == (grpc.StatusCode.INVALID_ARGUMENT, {"chat_id": "is required"})
    mine = pb.SendMessageRequest(chat_id=CHAT, text="hello").SerializeToString()
    foreign = pb.SendMessageRequest(chat_id=5).SerializeToString()
    last_wins = await refusal_of(view.raw(SEND, mine + foreign, view.bearer()))
    assert last_wins.code is grpc.StatusCode.PERMISSION_DENIED
    reply = pb.SendMessageResponse.FromString(await view.raw(SEND, foreign + mine, view.bearer()))
    assert reply.message.chat_id == CHAT
    assert [draft.chat_id for draft in view.house.telegram.sent] == [CHAT]


async def test_row_4_a_chat_is_a_number_and_nothing_else(view: Outside) -> None:
    for name in (b"@durov", b"t.me/durov", b" @x", b"+4912345", b"-1001234567890"):
        body = b"\x0a" + bytes([len(name)]) + name + b"\x12\x05hello"  # field 1 as a string
        refusal = await refusal_of(view.raw(SEND, body, view.bearer()))
        assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert not view.house.telegram.sent


async def test_whatever_is_refused_after_the_token_is_on_record_too(view: Outside) -> None:
    good = pb.SendMessageRequest(chat_id=CHAT, text="hello", request_id="r1").SerializeToString()
    changed = pb.SendMessageRequest(chat_id=CHAT, text="other", request_id="r1").SerializeToString()
    await view.raw(SEND, good, view.bearer())
    get = pb.GetMessageRequest(message_id="01a20c3d-537d-7dbd-b9ea-54614cfbc555").SerializeToString()
    calls = [
        ("invalid_request", SEND, b"\xff"),
        ("invalid_request", SEND, b"\x0a" + b"x" * (65 * 1024)),
        ("invalid_request", SEND, good + UNKNOWN_FIELD),
        ("text_too_long", SEND, pb.SendMessageRequest(chat_id=CHAT, text="x" * 4097).SerializeToString()),
        ("request_id_reused", SEND, changed),
        ("message_not_found", SEND.replace("Send", "Get"), get),
        ("method_unknown", "/no.Service/Nothing", b""),
    ]
    given = []
    for reason, method, body in calls:
        refusal = await refusal_of(view.raw(method, body, view.bearer()))
        given.append((reason, method, refusal.trailers["chatkey-error-id"]))
    records = await view.house.refusals()
    assert [(record.reason, record.method, record.error_id) for record in records] == given
    assert {(record.client, record.verified, record.decision) for record in records} == {("billing", True, "deny")}


async def test_row_43_five_foreign_situations_are_the_same_bytes(view: Outside) -> None:
    other = view.house.token(chat_id=CHAT - 7, client="other")
    request = pb.SendMessageRequest(chat_id=CHAT - 7, text="hello")
    await view.messaging.SendMessage(request, metadata=view.bearer(other))
    view.house.telegram.chat_is_there = False
    refusals = [
        await send(view, chat_id=CHAT - 7),  # a chat that another client writes to
        await send(view, chat_id=CHAT - 8),  # one that the bot does not know
        await send(view, chat_id=2**62),  # none that Telegram could have
        await send(view, chat_id=CHAT - 7, text="", request_id="?", ttl={"seconds": -1}),  # with a request that is bad
        await send(view, view.house.token(permissions={Permission.READ})),  # my own, without the right
    ]
    assert len({refusal.wire for refusal in refusals}) == 1
    assert refusals[0].wire[:2] == (grpc.StatusCode.PERMISSION_DENIED, "permission denied")
    assert len(view.house.telegram.sent) == 1


async def test_row_44_without_a_token_known_and_unknown_methods_answer_alike(view: Outside) -> None:
    refusals = [await refusal_of(view.raw(method)) for method in (*METHODS, *TRICKS)]
    assert len({refusal.wire for refusal in refusals}) == 1
    assert refusals[0].code is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("method", [*TRICKS, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"])
async def test_row_44_with_a_token_a_method_by_another_name_is_unknown(view: Outside, method: str) -> None:
    body = pb.SendMessageRequest(chat_id=CHAT, text="hello").SerializeToString()
    refusal = await refusal_of(view.raw(method, body, view.bearer()))
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.UNIMPLEMENTED, "METHOD_UNKNOWN")
    assert not view.house.telegram.sent


async def test_a_refusal_is_found_in_the_audit_by_the_id_in_its_trailers(view: Outside) -> None:
    for refused in (await refusal_of(view.raw(SEND)), await send(view, chat_id=5)):
        (record,) = [r for r in await view.house.refusals() if r.error_id == refused.trailers["chatkey-error-id"]]
        assert (record.method, record.address) == (SEND, "127.0.0.1")
        assert record.call_id == refused.trailers["x-request-id"]


# One request of many is refused in its answer: tests/end_to_end/test_messages_stream.py.
@pytest.mark.parametrize("method", [method for method in METHODS if not method.endswith("/SendMessages")])
async def test_row_3_no_method_takes_a_field_that_it_does_not_know(view: Outside, method: str) -> None:
    refusal = await refusal_of(view.raw(method, UNKNOWN_FIELD, view.bearer(view.house.token(permissions=EVERYTHING))))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.violations["154"]


@pytest.mark.parametrize("method", [*METHODS, "/grpc.health.v1.Health/Check"])
async def test_bytes_that_are_no_request_are_refused_in_our_words(view: Outside, method: str) -> None:
    refusal = await refusal_of(view.raw(method, b"\xff\xff\xff", view.bearer(view.house.token(permissions=EVERYTHING))))
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert "is not a" in refusal.text


async def test_all_violations_of_a_request_come_together(view: Outside) -> None:
    request = pb.SendMessageRequest(chat_id=CHAT, text="", request_id="?", message_thread_id=-1)
    request.text_format = 99  # type: ignore[assignment]
    request.buttons.add().buttons.add(text="x").MergeFromString(UNKNOWN_FIELD)
    body = request.SerializeToString()
    refusal = await refusal_of(view.raw(SEND, body, view.bearer()))
    assert set(refusal.violations) == {
        "text",
        "request_id",
        "message_thread_id",
        "text_format",
        "buttons[0].buttons[0].154",
        "buttons[0].buttons[0].action",
    }


async def test_a_request_at_the_worst_of_all_is_refused_whole(view: Outside) -> None:
    request = pb.SendMessageRequest(chat_id=CHAT, text="x", entities=[pb.MessageEntity(offset=9)] * 100)
    refusal = await refusal_of(view.messaging.SendMessage(request, metadata=view.bearer()))
    assert refusal.info.reason == "INVALID_REQUEST"
    assert len(refusal.violations) > 20


async def test_a_text_that_is_too_long_says_by_how_much(view: Outside) -> None:
    refusal = await send(view, text="\U0001f600" * 4097)
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "TEXT_TOO_LONG")
    assert dict(refusal.info.metadata) == {"length": "4097", "limit": "4096"}


async def test_a_request_id_with_another_content_is_refused_with_the_message_it_made(view: Outside) -> None:
    first = pb.SendMessageRequest(chat_id=CHAT, text="hello", request_id="r1")
    made = await view.messaging.SendMessage(first, metadata=view.bearer())
    refusal = await send(view, text="other", request_id="r1")
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert refusal.info.metadata["messageId"] == made.message.id


class Broken:
    """Something that raises what must not get out, whatever is asked of it."""

    def __getattr__(self, name: str) -> object:
        def fail(*_args: object, **_named: object) -> object:
            raise RuntimeError(CANARY)

        return fail


async def bug_of(call: object, lines: list[dict[str, object]]) -> None:
    refusal = await refusal_of(call)
    assert refusal.code is grpc.StatusCode.INTERNAL
    assert (refusal.text, refusal.info.reason) == ("internal error", "INTERNAL")
    assert CANARY not in repr(refusal)
    (line,) = [line for line in lines if line["event"] == "grpc.bug"]
    assert CANARY in repr(line["exc_info"])
    assert line["error_id"] == refusal.trailers["chatkey-error-id"]


@pytest.mark.parametrize("method", ["SendMessage", "GetMessage", "CancelMessage", "WatchMessages"])
async def test_row_40_a_bug_behind_the_door_is_an_id_and_not_its_text(method: str) -> None:
    async with open_house() as house, outside(house) as view:
        house.desk._outbox = Broken()  # type: ignore[assignment]
        message_id = "01931e5c-0000-7000-8000-000000000000"
        bodies = {
            "SendMessage": pb.SendMessageRequest(chat_id=CHAT, text="hello"),
            "GetMessage": pb.GetMessageRequest(message_id=message_id),
            "CancelMessage": pb.CancelMessageRequest(message_id=message_id),
            "WatchMessages": pb.WatchMessagesRequest(),
        }
        body = bodies[method].SerializeToString()
        with capture_logs() as lines:
            await bug_of(view.raw(f"/chatkey.v1.MessagingGateway/{method}", body, view.bearer()), lines)


async def test_row_40_a_bug_on_the_way_in_is_an_id_and_not_its_text() -> None:
    async with open_house() as house, outside(house) as view:
        house.desk._verifier = Broken()  # type: ignore[assignment]
        with capture_logs() as lines:
            await bug_of(view.raw(SEND, metadata=view.bearer(f"{CANARY[:6]}.b.c")), lines)


async def test_row_40_a_bug_while_refusing_is_an_id_and_not_its_text() -> None:
    async with open_house() as house, outside(house) as view:
        house.desk._ledger = Broken()  # type: ignore[assignment]
        with capture_logs() as lines:
            await bug_of(view.raw(SEND), lines)


async def test_row_40_metrics_that_fail_cost_no_call_and_show_nothing() -> None:
    class BrokenMetrics(CountedCalls):
        def started(self, method: str, kind: str = "unary") -> None:
            raise RuntimeError(CANARY)

        def handled(self, method: str, code: str, seconds: float, kind: str = "unary") -> None:
            raise RuntimeError(CANARY)

    async with open_house() as house, outside(house, BrokenMetrics()) as view:
        with capture_logs() as lines:
            request = pb.SendMessageRequest(chat_id=CHAT, text="hello")
            reply = await view.messaging.SendMessage(request, metadata=view.bearer())
            assert reply.message.state == pb.STATE_DELIVERED
            assert (await refusal_of(view.raw(SEND))).code is grpc.StatusCode.UNAUTHENTICATED
        assert [line["event"] for line in lines].count("grpc.metrics_failed") == 4


async def test_health_is_open_to_all_and_says_what_it_was_told(view: Outside) -> None:
    health = health_pb2_grpc.HealthStub(view.channel)
    services = ["MessagingGateway", "UpdateService", "ChatService", "CredentialSelf"]
    names = ["", *(f"chatkey.v1.{service}" for service in services)]
    for name in names:
        reply = await health.Check(health_pb2.HealthCheckRequest(service=name))
        assert reply.status == health_pb2.HealthCheckResponse.SERVING
    watch = health.Watch(health_pb2.HealthCheckRequest(service=names[1]))
    stranger = health.Watch(health_pb2.HealthCheckRequest(service="x"))
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
    assert (await stranger.read()).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    view.door.set_serving(True)
    view.door.set_serving(False)
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
    listed = await health.List(health_pb2.HealthListRequest())
    assert {name: status.status for name, status in listed.statuses.items()} == dict.fromkeys(
        names, health_pb2.HealthCheckResponse.NOT_SERVING
    )
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await health.Check(health_pb2.HealthCheckRequest(service="x"))
    assert unknown.value.code() is grpc.StatusCode.NOT_FOUND
    watch.cancel()
    stranger.cancel()
    await asyncio.wait_for(view.metrics.quiet.wait(), 10)
    assert view.metrics.ended["/grpc.health.v1.Health/Check", "NotFound", "unary"] == 1


async def test_of_more_watchers_than_there_may_be_the_oldest_makes_room(
    view: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_service, "MOST_WATCHERS", 2)
    health = health_pb2_grpc.HealthStub(view.channel)
    watches: list[Any] = []
    for _ in range(3):
        watches.append(health.Watch(health_pb2.HealthCheckRequest()))
        assert (await watches[-1].read()).status == health_pb2.HealthCheckResponse.SERVING
    oldest, *others = watches
    assert await oldest.code() is grpc.StatusCode.UNAVAILABLE
    view.door.set_serving(False)
    for watch in others:
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()
    await view.metrics.quiet.wait()
    again = health.Watch(health_pb2.HealthCheckRequest())
    assert (await again.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
    again.cancel()
