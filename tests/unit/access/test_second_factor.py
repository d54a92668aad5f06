"""What a critical function asks for beside a token: a code that is good once, or a person who signed in just now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pyotp
import pytest

from gateway.access.approvals import LIFE, MOST_PENDING, Approvals, digest_of
from gateway.access.authenticators import Authenticators
from gateway.access.one_time_codes import LOCK, MOST_FAILURES, STEP_S, uri_of
from gateway.access.second_factor import FRESH, SecondFactor
from gateway.errors import ApprovalRequired, RequestInvalid, ResourceNotFound, StateConflict, StepUpRequired
from gateway.store.second_factors import Approval
from gateway.store.sqlite import SqliteStore, open_sqlite_in_memory
from tests.support.messages import NOW

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""The one of RFC 6238's test vectors, in base32."""
STEP = timedelta(seconds=STEP_S)


class SetClock:
    """Shows what it was set to."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


class House:
    """The rooms of second factors, and an app in somebody's hand."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.clock = SetClock()
        self.authenticators = Authenticators(store.second_factors, self.clock)
        numbers = count(1)
        self.approvals = Approvals(store.second_factors, self.clock, lambda: f"approval-{next(numbers)}")
        self.factor = SecondFactor(self.authenticators, self.clock)
        self.two = SecondFactor(self.authenticators, self.clock, self.approvals)

    def code(self, steps: int = 0, secret: str = SECRET) -> str:
        return pyotp.TOTP(secret).at(self.clock.at + steps * STEP)

    async def enroll(self, operator: str = "alice") -> None:
        await self.authenticators.enroll(operator, SECRET, self.code(), by="os:root")
        self.clock.at += 2 * STEP

    async def ask(
        self,
        code: str | None = None,
        *,
        operator: str = "alice",
        request: bytes = b"revoke key 1",
        approval: str | None = None,
        auth_time: datetime | None = None,
        certificate: bool = False,
        two: bool = False,
    ) -> None:
        factor = self.two if two else self.factor
        await factor.require(
            operator,
            "keys.revoke",
            request,
            one_time_code=code,
            auth_time=auth_time,
            has_certificate=certificate,
            approval_id=approval,
        )

    async def refused(self, *arguments: str | None, **more: object) -> str:
        with pytest.raises(StepUpRequired) as refusal:
            await self.ask(*arguments, **more)  # type: ignore[arg-type]
        return refusal.value.cause

    async def asks(self, request: bytes = b"revoke key 1") -> str:
        """Ask for what needs a second person; return the id under which it waits."""
        with pytest.raises(ApprovalRequired) as required:
            await self.ask(self.code(), request=request, two=True)
        self.clock.at += STEP
        return required.value.facts["approvalId"]

    async def events(self) -> list[str]:
        return [record.event for _, record in await self.store.records()]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_sqlite_in_memory() as store:
        yield House(store)


async def test_who_has_nothing_does_nothing_critical(house: House) -> None:
    assert await house.refused() == "second_factor_missing"
    assert await house.refused(house.code()) == "second_factor_missing"
    assert await house.refused(certificate=True) == "second_factor_missing"
    assert await house.refused(auth_time=NOW) == "second_factor_missing"


@pytest.mark.parametrize("drift", [-1, 0, 1])
async def test_a_code_of_the_present_step_or_of_a_neighbour_is_good(house: House, drift: int) -> None:
    await house.enroll()
    house.clock.at += STEP
    await house.ask(house.code(drift))


@pytest.mark.parametrize("drift", [-2, 2])
async def test_one_further_off_is_not(house: House, drift: int) -> None:
    await house.enroll()
    house.clock.at += STEP
    assert await house.refused(house.code(drift)) == "second_factor_wrong"


async def test_the_codes_are_those_of_rfc_6238(house: House) -> None:
    house.clock.at = datetime.fromtimestamp(1111111109, NOW.tzinfo)
    # The last six of the eight digits of its appendix B.
    await house.authenticators.enroll("alice", SECRET, "081804", by="os:root")


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "１２３４５６", " 123456", "123456\n", "-12345"])
async def test_what_has_not_the_form_of_a_code_is_wrong(house: House, code: str) -> None:
    await house.enroll()
    assert await house.refused(code) == "second_factor_wrong"


async def test_row_50_a_code_is_good_once(house: House) -> None:
    await house.enroll()
    code = house.code()
    await house.ask(code)
    assert await house.refused(code) == "second_factor_used"
    # Nor is an earlier one that was never used: whoever saw it may have kept it for now.
    assert await house.refused(house.code(-1)) == "second_factor_used"
    house.clock.at += STEP
    await house.ask(house.code())


async def test_row_50_of_two_who_use_a_code_at_once_one_is_refused(house: House) -> None:
    await house.enroll()
    code = house.code()
    ends = await asyncio.gather(*(house.ask(code) for _ in range(8)), return_exceptions=True)
    assert ends.count(None) == 1
    assert {type(end) for end in ends} == {type(None), StepUpRequired}


async def test_the_code_of_the_enrolment_is_used(house: House) -> None:
    await house.authenticators.enroll("alice", SECRET, house.code(), by="os:root")
    assert await house.refused(house.code()) == "second_factor_used"


async def test_wrong_codes_lock_for_a_while_and_a_lock_is_on_record(house: House) -> None:
    await house.enroll()
    for _ in range(MOST_FAILURES):
        assert await house.refused("000000") == "second_factor_wrong"
    assert await house.refused(house.code()) == "second_factor_locked"
    assert await house.events() == ["operator.enrolled", "operator.locked"]
    house.clock.at += LOCK - timedelta(microseconds=1)
    assert await house.refused(house.code()) == "second_factor_locked"
    house.clock.at += timedelta(microseconds=1)
    await house.ask(house.code())


async def test_a_good_code_forgives_the_wrong_ones_before_it(house: House) -> None:
    await house.enroll()
    for _ in range(3):
        for _ in range(MOST_FAILURES - 1):
            await house.refused("000000")
        await house.ask(house.code())
        house.clock.at += STEP
    assert await house.events() == ["operator.enrolled"]


async def test_used_codes_count_as_wrong_ones(house: House) -> None:
    await house.enroll()
    code = house.code()
    await house.ask(code)
    for _ in range(MOST_FAILURES):
        await house.refused(code)
    assert await house.refused(code) == "second_factor_locked"


async def test_another_lock_is_on_record_again(house: House) -> None:
    await house.enroll()
    for _ in range(2):
        for _ in range(MOST_FAILURES):
            await house.refused("000000")
        house.clock.at += LOCK
    assert (await house.events()).count("operator.locked") == 2


async def test_after_a_lock_the_count_begins_anew_and_a_good_code_ends_it(house: House) -> None:
    await house.enroll()
    for _ in range(MOST_FAILURES):
        await house.refused("000000")
    house.clock.at += LOCK
    for _ in range(MOST_FAILURES - 1):
        assert await house.refused("000000") == "second_factor_wrong"
    await house.ask(house.code())
    (kept,) = await house.store.second_factors.authenticators()
    assert (kept.failures, kept.locked_until) == (0, None)


async def test_a_used_code_that_locks_is_known_as_used(house: House) -> None:
    await house.enroll()
    code = house.code()
    await house.ask(code)
    causes = [await house.refused(code) for _ in range(MOST_FAILURES)]
    assert causes == ["second_factor_used"] * MOST_FAILURES


async def test_an_app_is_enrolled_once_unless_it_was_lost(house: House) -> None:
    await house.enroll()
    other = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    with pytest.raises(StateConflict, match="--replace"):
        await house.authenticators.enroll("alice", other, house.code(secret=other), by="os:root")
    await house.authenticators.enroll("alice", other, house.code(secret=other), by="os:root", replaces=True)
    house.clock.at += STEP
    assert await house.refused(house.code()) == "second_factor_wrong"
    await house.ask(house.code(secret=other))


async def test_an_enrolment_that_is_not_proven_keeps_nothing(house: House) -> None:
    with pytest.raises(RequestInvalid, match="clock"):
        await house.authenticators.enroll("alice", SECRET, "000000", by="os:root")
    with pytest.raises(RequestInvalid, match="48"):
        await house.authenticators.enroll("alice smith", SECRET, house.code(), by="os:root")
    assert await house.store.second_factors.authenticators() == []
    assert await house.events() == []


async def test_who_is_unenrolled_does_nothing_critical_any_more(house: House) -> None:
    await house.enroll()
    assert await house.authenticators.remove("alice", by="os:root")
    assert not await house.authenticators.remove("alice", by="os:root")
    assert await house.refused(house.code()) == "second_factor_missing"
    assert await house.events() == ["operator.enrolled", "operator.unenrolled"]


@pytest.mark.parametrize("ago", [timedelta(), FRESH, timedelta(seconds=-60)])
async def test_a_certificate_and_a_person_who_signed_in_lately_are_enough(house: House, ago: timedelta) -> None:
    await house.ask(auth_time=house.clock.at - ago, certificate=True)


@pytest.mark.parametrize("ago", [FRESH + timedelta(microseconds=1), timedelta(seconds=-60, microseconds=-1)])
async def test_one_who_signed_in_long_ago_or_will_is_not(house: House, ago: timedelta) -> None:
    assert await house.refused(auth_time=house.clock.at - ago, certificate=True) == "second_factor_stale"


async def test_a_wrong_code_is_not_made_good_by_a_certificate(house: House) -> None:
    await house.enroll()
    assert await house.refused("000000", auth_time=house.clock.at, certificate=True) == "second_factor_wrong"


async def test_what_two_must_want_is_done_when_the_second_one_wants_it_and_once(house: House) -> None:
    await house.enroll()
    waiting = await house.asks()
    assert [approval.approval_id for approval in await house.approvals.pending()] == [waiting]
    assert await house.refused(house.code(), approval=waiting, two=True) == "approval_missing"
    house.clock.at += STEP
    await house.approvals.approve("bob", waiting)
    await house.approvals.approve("bob", waiting)  # pressed twice
    assert await house.approvals.pending() == []
    await house.ask(house.code(), approval=waiting, two=True)
    house.clock.at += STEP
    assert await house.refused(house.code(), approval=waiting, two=True) == "approval_used"
    assert await house.events() == ["operator.enrolled", "approval.asked", "approval.given", "approval.used"]


async def test_row_50_nobody_approves_a_request_of_their_own(house: House) -> None:
    await house.enroll()
    waiting = await house.asks()
    with pytest.raises(StateConflict, match="second person"):
        await house.approvals.approve("alice", waiting)
    with pytest.raises(StateConflict, match="second person"):
        await house.approvals.approve("Alice", waiting)
    assert await house.refused(house.code(), approval=waiting, two=True) == "approval_missing"


async def test_row_51_what_was_approved_is_that_request_and_no_other(house: House) -> None:
    await house.enroll()
    await house.enroll("mallory")
    waiting = await house.asks(b"revoke key 1")
    await house.approvals.approve("bob", waiting)
    assert await house.refused(house.code(), request=b"revoke key 2", approval=waiting, two=True) == "approval_unknown"
    assert await house.refused(house.code(), operator="mallory", approval=waiting, two=True) == "approval_unknown"
    house.clock.at += STEP
    assert await house.refused(house.code(), approval="approval-9", two=True) == "approval_unknown"
    house.clock.at += STEP
    await house.ask(house.code(), request=b"revoke key 1", approval=waiting, two=True)


async def test_row_51_too_late_is_never(house: House) -> None:
    await house.enroll()
    waiting, other = await house.asks(), await house.asks(b"something else")
    await house.approvals.approve("bob", waiting)
    house.clock.at += LIFE
    assert await house.refused(house.code(), approval=waiting, two=True) == "approval_expired"
    with pytest.raises(RequestInvalid, match="five minutes"):
        await house.approvals.approve("bob", other)
    with pytest.raises(RequestInvalid, match="five minutes"):
        await house.approvals.approve("bob", "approval-9")
    assert await house.approvals.pending() == []


async def test_a_third_person_does_not_approve_again(house: House) -> None:
    await house.enroll()
    waiting = await house.asks()
    await house.approvals.approve("bob", waiting)
    with pytest.raises(StateConflict, match="already"):
        await house.approvals.approve("carol", waiting)


async def test_without_a_good_code_nothing_waits_for_an_approval(house: House) -> None:
    await house.enroll()
    assert await house.refused("000000", two=True) == "second_factor_wrong"
    assert await house.approvals.pending() == []


async def test_the_requests_of_one_operator_that_wait_are_bounded(house: House) -> None:
    for number in range(MOST_PENDING):
        with pytest.raises(ApprovalRequired):
            await house.approvals.require("alice", "keys.revoke", b"%d" % number, None)
    with pytest.raises(StateConflict, match="wait for an approval"):
        await house.approvals.require("alice", "keys.revoke", b"one more", None)
    with pytest.raises(ApprovalRequired):
        await house.approvals.require("bob", "keys.revoke", b"another's", None)


async def test_requests_of_long_ago_are_forgotten(house: House) -> None:
    await house.enroll()
    await house.asks()
    house.clock.at += timedelta(days=2)
    await house.asks()
    assert len(await house.store.second_factors.approvals(NOW)) == 1


def test_no_two_requests_run_into_the_same_digest() -> None:
    parts = [("a", "bc", b"d", ""), ("ab", "c", b"d", ""), ("ab", "", b"cd", ""), ("a", "b", b"", "cd")]
    assert len({digest_of(*each) for each in parts}) == len(parts)


async def test_row_51_what_was_read_is_what_was_approved(house: House) -> None:
    with pytest.raises(ApprovalRequired) as required:
        await house.approvals.require("alice", "keys.revoke", b"1", None, parameters="key 1")
    waiting = required.value.facts["approvalId"]
    assert (await house.approvals.get(waiting)).parameters == "key 1"

    def forged(before: Approval | None) -> tuple[Approval | None, None]:
        assert before is not None
        return replace(before, parameters="key 2"), None

    await house.approvals.approve("bob", waiting)
    kept = await house.store.second_factors.change_approval(waiting, forged)
    for parameters in ("key 1", "key 2"):
        with pytest.raises(StepUpRequired) as refused:
            await house.approvals.require("alice", "keys.revoke", b"1", waiting, parameters=parameters)
        assert refused.value.cause == "approval_unknown"
    assert await house.approvals.get(waiting) == kept


async def test_row_51_what_somebody_approved_who_was_stopped_since_is_not_approved(house: House) -> None:
    standing: dict[str, bool] = {}
    approvals = Approvals(
        house.store.second_factors, house.clock, lambda: "a", lambda client, since: standing[client] or since != NOW
    )
    with pytest.raises(ApprovalRequired):
        await approvals.require("alice", "keys.revoke", b"1", None)
    await approvals.approve("bob", "a")
    standing["operator:bob"] = False
    with pytest.raises(StepUpRequired) as refused:
        await approvals.require("alice", "keys.revoke", b"1", "a")
    assert refused.value.cause == "approval_withdrawn"
    standing["operator:bob"] = True
    await approvals.require("alice", "keys.revoke", b"1", "a")


async def test_a_request_that_waits_no_longer_is_not_found(house: House) -> None:
    await house.enroll()
    waiting, other = await house.asks(), await house.asks(b"revoke key 2")
    assert [(await house.approvals.get(each)).approval_id for each in (waiting, other)] == [waiting, other]
    house.clock.at += LIFE
    with pytest.raises(ResourceNotFound):
        await house.approvals.get(waiting)


def test_an_app_is_told_whose_secret_it_is() -> None:
    uri = uri_of("alice@example.com", SECRET, "chatkey/prod")
    assert uri.startswith("otpauth://totp/chatkey/prod:alice%40example.com?")
    assert f"secret={SECRET}" in uri
