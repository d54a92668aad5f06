"""What a second person reads is all of a request, in words that nothing hides in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.message import Message as ProtoMessage

from chatkey.admin.v1 import client_service_pb2 as client_pb
from chatkey.admin.v1 import credential_service_pb2 as credential_pb
from chatkey.admin.v1 import key_service_pb2 as key_pb
from chatkey.v1 import credential_self_pb2 as self_pb
from gateway.rpc.admin.shown import shown


def test_every_field_is_shown_by_its_name() -> None:
    request = credential_pb.IssueCredentialRequest(
        client="svc:a", grants=[self_pb.ChatGrant(chat_id=-1001, permissions=[1, 99])], generation=0
    )
    request.ttl.FromSeconds(90)
    assert json.loads(shown(request)) == {
        "client": "svc:a",
        "grants": [{"chat_id": -1001, "permissions": ["PERMISSION_WRITE", 99]}],
        "generation": 0,
        "ttl": "90 s",
        "address_ranges": [],
        "certificate_thumbprint": "",
    }


def test_what_is_left_out_is_empty() -> None:
    assert json.loads(shown(key_pb.ActivateKeyRequest())) == {"key_id": "", "at_once": False}


@pytest.mark.parametrize(
    ("seconds", "nanos", "said"),
    [
        (1795340000, 0, "2026-11-22 09:33:20 UTC"),
        (1795340000, 5, "2026-11-22 09:33:20 UTC 5 ns"),
        (10**17, 0, "100000000000000000 s"),
    ],
)
def test_an_instant_is_shown_whatever_it_is(seconds: int, nanos: int, said: str) -> None:
    request = credential_pb.RevokeAllCredentialsRequest(everybody=True)
    request.not_before.seconds, request.not_before.nanos = seconds, nanos
    assert json.loads(shown(request)) == {"everybody": True, "not_before": said}


def test_row_51_nothing_is_hidden_in_a_text() -> None:
    label = "ok\u202e\x1b[2K\n\u2028é"
    request = client_pb.AddClientRequest(name="svc:a", terms=client_pb.ClientTerms(label=label))
    text = shown(request)
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text)["terms"]["label"] == label


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (key_pb.TaintKeyRequest(key_id="a"), key_pb.TaintKeyRequest(key_id="b")),
        (client_pb.DisableClientRequest(name="a"), client_pb.DisableClientRequest(name="a ")),
        (credential_pb.RevokeAllCredentialsRequest(client="a"), credential_pb.RevokeAllCredentialsRequest()),
    ],
)
def test_what_differs_is_shown_differently(one: ProtoMessage, other: ProtoMessage) -> None:
    texts: list[Any] = [shown(one), shown(other)]
    assert texts[0] != texts[1]


def test_a_duration_is_shown_to_the_nanosecond() -> None:
    request = client_pb.ListClientsRequest()
    request.stale_for.seconds, request.stale_for.nanos = 1, 5
    assert json.loads(shown(request))["stale_for"] == "1 s 5 ns"
