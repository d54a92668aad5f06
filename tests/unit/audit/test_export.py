"""Each form of export is one line of JSON with what its readers look for."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.audit.export import FORMS
from gateway.model import Record

DENIED = Record(
    at=datetime(2026, 11, 24, 12, tzinfo=UTC),
    event="call.refused",
    decision="deny",
    reason="chat_mismatch",
    client="svc:a\nsvc:b",
    address="192.0.2.7",
    method="/chatkey.v1.MessagingGateway/SendMessage",
    chat_id=-1001,
    claimed_chat_id=-1002,
)


@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_record_is_one_line(form: str) -> None:
    line = FORMS[form](7, DENIED)
    assert "\n" not in line
    assert json.loads(line)


def test_ocsf_says_who_did_what_from_where_and_that_it_was_denied() -> None:
    event = json.loads(FORMS["ocsf"](7, DENIED))
    assert (event["class_uid"], event["type_uid"], event["action_id"], event["status_id"]) == (6003, 600301, 2, 2)
    assert event["src_endpoint"]["ip"] == "192.0.2.7"
    assert [resource["uid"] for resource in event["resources"]] == ["-1001", "-1002"]
    assert event["time"] == 1795521600000


def test_ocsf_tells_who_did_something_from_whom_it_was_done_to() -> None:
    revoked = replace(DENIED, event="token.revoked", client="svc:a", token_id="t1", facts={"by": "operator:alice"})
    event = json.loads(FORMS["ocsf"](7, revoked))
    assert event["actor"] == {"user": {"name": "operator:alice"}}
    assert {"type": "client", "name": "svc:a", "uid": "t1"} in event["resources"]
    own = json.loads(FORMS["ocsf"](7, replace(revoked, client="operator:alice")))
    assert own["actor"] == {"user": {"name": "operator:alice", "credential_uid": "t1"}}


def test_a_cloud_event_has_what_the_specification_requires() -> None:
    event = json.loads(FORMS["cloudevents"](7, DENIED))
    assert {event[name] for name in ("specversion", "id", "source")} == {"1.0", "7", "/chatkey/audit"}
    assert event["type"] == "dev.chatkey.call.refused"
    assert event["time"] == "2026-11-24T12:00:00.000Z"
