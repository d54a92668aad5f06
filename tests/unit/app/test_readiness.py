from __future__ import annotations

from typing import cast

from gateway.app.readiness import Readiness
from gateway.delivery.dispatcher import Dispatcher
from gateway.rpc.server import Door


def test_before_it_serves_a_gateway_is_not_ready_and_neither_after() -> None:
    readiness = Readiness()
    assert readiness.why_not() == "The gateway is starting."
    readiness.end()
    assert readiness.why_not() == "The gateway is stopping."


class Held:
    def hold(self, is_held: bool) -> None:
        self.is_held = is_held


def test_while_the_audit_log_cannot_be_written_nobody_is_sent_here() -> None:
    readiness, told = Readiness(), list[bool]()
    readiness.begin(cast("Dispatcher", Held()), Door(0, told.append))
    for is_written in (False, True):
        readiness.tell_log(is_written)
        assert readiness.why_not() == (None if is_written else "The audit log can't be written.")
    assert told == [True, False, True]
