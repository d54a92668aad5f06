"""The verbs beyond sending: list, send again, settle, explain, and streams that end with what they stand on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.addresses import AddressRanges
from gateway.delivery.outbox import Outbox
from gateway.delivery.quota import Quotas
from gateway.desk.checks import DEFAULT_PAGE, MAX_PAGE, Listing
from gateway.errors import (
    MessageNotFound,
    NotDurable,
    PermissionDenied,
    QuotaExceeded,
    RequestIdReused,
    RequestInvalid,
    ShuttingDown,
    StateConflict,
    TextTooLong,
    TokenExpired,
)
from gateway.model import Caller, Draft, Grant, Message, Origin, Permission, State, TextFormat, WhenUnknown
from gateway.store.registry import Quota
from gateway.telegram.failures import Refused, Unanswered
from tests.support.open_house import CHAT, House, open_house

MINUTE = timedelta(minutes=1)
DRAFT = Draft(chat_id=CHAT, text="hello")
MESSAGE_ID = "01931e5c-0000-7000-8000-000000000000"
READER = frozenset({Permission.READ})
WRITER = frozenset({Permission.WRITE})


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened


def holder(house: House, *grants: Grant) -> Caller:
    return replace(house.caller(), grants=grants)


async def sent(house: House, **fields: object) -> Message:
    draft = replace(DRAFT, **fields)
    return await house.desk.send_message(house.caller(draft.chat_id), draft, MINUTE)


async def ids(house: House, caller: Caller, **listing: object) -> list[str]:
    page, _ = await house.desk.list_messages(caller, Listing(**listing))  # type: ignore[arg-type]
    return [message.id for message in page]


# From where.


async def test_a_credential_is_used_from_where_it_may_be(house: House) -> None:
    home = AddressRanges.parse(["192.0.2.0/24"])
    caller = replace(house.caller(), address_ranges=home, origin=Origin(address="192.0.2.1"))
    house.desk.admit(caller, lambda: None)
    with pytest.raises(PermissionDenied):
        house.desk.admit(replace(caller, origin=Origin(address="198.51.100.1")), lambda: None)


# Accepting without waiting.


async def test_messages_are_accepted_in_the_order_of_the_calls_which_wait_for_nothing(house: House) -> None:
    house.telegram.answers.clear()
    caller = house.caller()
    begun = [house.desk.accept_message(caller, replace(DRAFT, text=str(number))) for number in range(20)]
    accepted = [await each for each in reversed(begun)]
    assert [message.seq for message in accepted] == list(range(20, 0, -1))


async def test_what_is_refused_is_refused_before_anything_is_kept(house: House) -> None:
    with pytest.raises(PermissionDenied):
        house.desk.accept_message(house.caller(), replace(DRAFT, chat_id=5))
    with pytest.raises(RequestInvalid):
        house.desk.accept_message(house.caller(), replace(DRAFT, text=""))
    assert await ids(house, house.caller()) == []


async def test_a_reused_name_is_refused_when_it_is_found(house: House) -> None:
    await house.desk.accept_message(house.caller(), replace(DRAFT, request_id="r1"))
    begun = house.desk.accept_message(house.caller(), replace(DRAFT, request_id="r1", text="another"))
    with pytest.raises(RequestIdReused):
        await begun


async def test_a_wait_is_told_until_the_first_attempt(house: House) -> None:
    later = replace(DRAFT, send_at=house.clock.now() + timedelta(hours=1))
    message = await house.desk.send_message(house.caller(), later, None)
    wait = house.desk.estimated_wait(message)
    assert wait is not None
    assert timedelta(minutes=59) < wait <= timedelta(hours=1)
    assert house.desk.estimated_wait(await house.desk.cancel_message(house.caller(), message.id)) is None
    assert house.desk.estimated_wait(await sent(house)) is None


# Lists.


async def test_a_list_has_the_newest_first_and_a_page_at_a_time(house: House) -> None:
    all_of_them = [(await sent(house)).id for _ in range(5)][::-1]
    first, token = await house.desk.list_messages(house.caller(), Listing(page_size=3))
    rest, end = await house.desk.list_messages(house.caller(), Listing(page_size=3, page_token=token))
    assert [message.id for message in (*first, *rest)] == all_of_them
    assert (bool(token), end) == (True, "")
    for _ in range(DEFAULT_PAGE - 4):
        await house.desk.accept_message(house.caller(), DRAFT)
    assert len(await ids(house, house.caller())) == DEFAULT_PAGE


async def test_a_list_is_of_what_was_asked_for(house: House) -> None:
    other = CHAT - 1
    both = holder(house, Grant(chat_id=CHAT, permissions=WRITER), Grant(chat_id=other, permissions=WRITER))
    here, there = await sent(house), await sent(house, chat_id=other)
    assert await ids(house, both) == [there.id, here.id]
    assert await ids(house, both, chat_id=CHAT) == [here.id]
    assert await ids(house, both, states=frozenset({State.FAILED})) == []
    assert await ids(house, both, accepted_from=there.accepted_at) == [there.id]
    assert await ids(house, both, accepted_until=there.accepted_at) == [here.id]
    readable = holder(house, Grant(chat_id=CHAT, permissions=WRITER), Grant(chat_id=other, permissions=READER))
    assert await ids(house, readable) == [here.id]
    with pytest.raises(PermissionDenied):
        await ids(house, readable, chat_id=other)


async def test_a_foreign_chat_is_refused_before_the_rest_of_the_question_is_looked_at(house: House) -> None:
    with pytest.raises(PermissionDenied) as refused:
        await ids(house, house.caller(), chat_id=CHAT - 1, page_size=-1, malformed=[("99", "unknown")])
    assert refused.value.record["claimed_chat_id"] == CHAT - 1


async def test_the_holder_of_a_topic_lists_what_is_in_it(house: House) -> None:
    mine = await sent(house, message_thread_id=7)
    await sent(house)
    topic = holder(house, Grant(chat_id=CHAT, permissions=WRITER, message_thread_id=7))
    assert await ids(house, topic) == [mine.id]
    assert await ids(house, topic, chat_id=CHAT) == [mine.id]


@pytest.mark.parametrize(
    ("listing", "path"),
    [
        (Listing(page_size=-1), "page_size"),
        (Listing(page_size=MAX_PAGE + 1), "page_size"),
        (Listing(chat_id=0), "chat_id"),
        (Listing(page_token="nonsense"), "page_token"),
        (Listing(malformed=[("states[0]", "is not a state of this version")]), "states[0]"),
    ],
)
async def test_a_list_that_is_asked_for_badly_is_refused(house: House, listing: Listing, path: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        await house.desk.list_messages(house.caller(), listing)
    assert [each for each, _ in refused.value.violations] == [path]


# Sent again, and settled.


async def test_what_failed_is_sent_again(house: House) -> None:
    house.telegram.failure = Refused(400, "Bad Request")
    failed = await house.desk.send_message(house.caller(), replace(DRAFT, request_id="r1"), None)
    await house.desk._outbox.settled(failed.id, MINUTE)
    house.telegram.failure = None
    again = await house.desk.retry_message(house.caller(), failed.id)
    assert (again.id, again.state) == (failed.id, State.QUEUED)
    ended = await house.desk.message_ended(again, MINUTE)
    assert (ended.state, ended.attempts) == (State.DELIVERED, 2)
    with pytest.raises(StateConflict):
        await house.desk.retry_message(house.caller(), failed.id)


@pytest.mark.parametrize("resolution", [State.DELIVERED, State.CANCELLED])
async def test_what_is_unknown_is_settled_by_who_knows(house: House, resolution: State) -> None:
    house.telegram.failure = Unanswered()
    unknown = await sent(house, when_unknown=WhenUnknown.GIVE_UP)
    settled = await house.desk.resolve_message(house.caller(), unknown.id, resolution)
    assert settled.state is resolution
    assert await house.desk.resolve_message(house.caller(), unknown.id, resolution) == settled
    with pytest.raises(StateConflict):
        await house.desk.resolve_message(house.caller(), (await sent_well(house)).id, resolution)


async def sent_well(house: House) -> Message:
    house.telegram.failure = None
    return await sent(house)


async def test_bad_ids_and_resolutions_are_named(house: House) -> None:
    with pytest.raises(RequestInvalid, match="message_id"):
        await house.desk.retry_message(house.caller(), "x")
    with pytest.raises(RequestInvalid, match="message_id"):
        await house.desk.resolve_message(house.caller(), "x", State.DELIVERED)
    with pytest.raises(RequestInvalid) as refused:
        await house.desk.resolve_message(house.caller(), "", None)
    assert [path for path, _ in refused.value.violations] == ["message_id", "resolution"]


async def test_without_the_permission_nothing_is_sent_again_settled_or_listed(house: House) -> None:
    reader = house.caller(permissions=READER)
    with pytest.raises(PermissionDenied):
        await house.desk.retry_message(reader, MESSAGE_ID)
    with pytest.raises(PermissionDenied):
        await house.desk.resolve_message(reader, MESSAGE_ID, State.DELIVERED)
    with pytest.raises(PermissionDenied):
        await house.desk.list_messages(reader, Listing())
    with pytest.raises(MessageNotFound):
        await house.desk.retry_message(house.caller(), MESSAGE_ID)


# What would become of it.


async def test_it_is_said_that_a_message_would_be_accepted_how_long_it_is_and_how_long_it_would_wait(
    house: House,
) -> None:
    marked = replace(DRAFT, text="**hé**", text_format=TextFormat.MARKDOWN)
    said = house.desk.explain(house.caller(), marked)
    assert (said.allowed, said.rule, said.refusal) == (True, "accepted", None)
    assert (said.text_length, said.parts, said.estimated_wait) == (2, 1, timedelta())
    timed = house.desk.explain(house.caller(), replace(DRAFT, send_at=house.clock.now() + timedelta(hours=1)))
    assert timed.estimated_wait is not None
    assert timedelta(minutes=59) < timed.estimated_wait <= timedelta(hours=1)


async def test_it_is_said_by_which_rule_a_message_would_be_refused(house: House) -> None:
    long = replace(DRAFT, text="<b>" + "x" * 5000 + "</b>", text_format=TextFormat.HTML)
    said = house.desk.explain(house.caller(), long)
    assert (said.allowed, said.rule, said.text_length, said.parts) == (False, "content", 5000, 0)
    assert isinstance(said.refusal, TextTooLong)
    assert said.estimated_wait is None
    topic = holder(house, Grant(chat_id=CHAT, permissions=WRITER, message_thread_id=7))
    for caller, draft, rule in (
        (house.caller(), replace(DRAFT, chat_id=0), "content"),
        (house.caller(), replace(DRAFT, chat_id=CHAT - 1), "pin"),
        (topic, DRAFT, "topic"),
        (house.caller(permissions=READER), DRAFT, "permission"),
    ):
        said = house.desk.explain(caller, draft)
        assert (said.allowed, said.rule) == (False, rule)


async def test_it_is_said_that_a_quota_is_used_up_and_asking_uses_up_nothing(house: House) -> None:
    outbox = house.desk._outbox
    assert isinstance(outbox, Outbox)
    outbox._quotas = Quotas(Quota(per_minute=1))
    for _ in range(3):
        assert house.desk.explain(house.caller(), DRAFT).allowed
    await sent(house)
    said = house.desk.explain(house.caller(), DRAFT)
    assert (said.allowed, said.rule, said.text_length, said.parts) == (False, "quota", 5, 0)
    assert isinstance(said.refusal, QuotaExceeded)


async def test_of_a_foreign_chat_nothing_is_said_but_that_it_is_foreign(house: House) -> None:
    known = CHAT - 1
    await sent(house, chat_id=known)
    answers = [
        house.desk.explain(house.caller(), replace(DRAFT, chat_id=chat_id, text=text), [("99", "unknown")])
        for chat_id in (known, CHAT - 2, 5, -1)
        for text in ("hello", "", "x" * 5000)
    ]
    assert {(each.rule, type(each.refusal), str(each.refusal)) for each in answers} == {
        ("pin", PermissionDenied, "permission denied")
    }
    assert {(each.text_length, each.parts, each.estimated_wait) for each in answers} == {(0, 0, None)}


async def test_nothing_comes_of_asking(house: House) -> None:
    for draft in (DRAFT, replace(DRAFT, text=""), replace(DRAFT, chat_id=5), replace(DRAFT, request_id="r1")):
        house.desk.explain(house.caller(), draft)
    await house.ledger.flush()
    assert await house.store.records() == []
    assert await ids(house, house.caller()) == []
    assert house.telegram.sent == []


async def test_what_can_not_be_decided_is_not_allowed(house: House) -> None:
    def fails(*_: object) -> timedelta:
        raise NotDurable

    house.desk._outbox.estimated_wait = fails  # type: ignore[method-assign]
    with pytest.raises(NotDurable):
        house.desk.explain(house.caller(), DRAFT)


# Streams.


async def forever() -> None:
    await asyncio.Event().wait()


async def test_work_of_a_stream_ends_with_its_credential(house: House) -> None:
    working = asyncio.ensure_future(house.desk.while_open(house.caller(), forever()))
    await asyncio.sleep(0)
    house.clock.ahead = timedelta(hours=2)
    with pytest.raises(TokenExpired):
        await working


async def test_work_of_a_stream_ends_when_the_gateway_stops(house: House) -> None:
    working = asyncio.ensure_future(house.desk.while_open(house.caller(), forever()))
    await asyncio.sleep(0)
    house.desk.drain()
    with pytest.raises(ShuttingDown):
        await working


async def test_work_of_a_stream_that_is_done_or_fails_is_so(house: House) -> None:
    async def done() -> None:
        return

    async def fails() -> None:
        raise NotDurable

    await house.desk.while_open(house.caller(), done())
    with pytest.raises(NotDurable):
        await house.desk.while_open(house.caller(), fails())
