from __future__ import annotations

from gateway.app.readiness import Readiness


def test_before_it_serves_a_gateway_is_not_ready_and_neither_after() -> None:
    readiness = Readiness()
    assert readiness.why_not() == "The gateway is starting."
    readiness.end()
    assert readiness.why_not() == "The gateway is stopping."
