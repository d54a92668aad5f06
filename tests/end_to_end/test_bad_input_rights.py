"""Every way of not having a right: the same refusal, a record that says which way it was, and nothing at Telegram."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import grpc
import pytest

from chatkey.v1 import messaging_gateway_pb2 as pb
from chatkey.v1.messaging_gateway_pb2_grpc import MessagingGatewayStub
from gateway.access.key_file import issuer_key
from gateway.access.keys import SigningKey
from gateway.model import MAX_CHAT_ID, MIN_CHAT_ID, Permission, Record
from gateway.store.sqlite import read_sqlite
from tests.support import canary
from tests.support.gateway import Gateway
from tests.support.gateway import gateway as running_gateway
from tests.support.kept import nothing_is_lost, shown
from tests.support.open_door import Refusal, refusal_of
from tests.support.server import until

CHAT, OTHER = -1001, -1002
Metadata = Sequence[tuple[str, str]]


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with running_gateway(tmp_path) as opened:
        yield opened


def bearer(*tokens: str) -> Metadata:
    return tuple(("authorization", f"Bearer {token}") for token in tokens)


def signed(gateway: Gateway, key: SigningKey | None = None, **claims: object) -> str:
    """A token of the gateway's own issuer, with claims that it would not write; None leaves one out."""
    now = int(time.time())
    usual = {"iss": gateway.config.issuer, "sub": "svc:test", "aud": gateway.config.audience, "jti": "1"}
    usual |= {"iat": now, "exp": now + 3600, "chat_id": CHAT}
    token = (key or issuer_key(gateway.config.data_dir)).sign(
        {name: value for name, value in (usual | claims).items() if value is not None}
    )
    return canary.watch(token)


WITHOUT: dict[str, tuple[Callable[[Gateway], Metadata], str]] = {
    "no token": (lambda gateway: (), "UNAUTHENTICATED"),
    "an empty one": (lambda gateway: (("authorization", ""),), "UNAUTHENTICATED"),
    "two tokens, both good": (lambda gateway: bearer(gateway.token(CHAT), gateway.token(CHAT)), "UNAUTHENTICATED"),
    "one token twice": (lambda gateway: bearer(*[gateway.token(CHAT)] * 2), "UNAUTHENTICATED"),
    "another scheme": (lambda gateway: (("authorization", f"Basic {gateway.token(CHAT)}"),), "UNAUTHENTICATED"),
    "no scheme": (lambda gateway: (("authorization", gateway.token(CHAT)),), "UNAUTHENTICATED"),
    "not a token": (lambda gateway: bearer("nonsense"), "UNAUTHENTICATED"),
    "a token without its signature": (
        lambda gateway: bearer(gateway.token(CHAT).rpartition(".")[0]),
        "UNAUTHENTICATED",
    ),
    "a token too long": (lambda gateway: bearer("x" * 4097), "UNAUTHENTICATED"),
    "a foreign issuer's key": (lambda gateway: bearer(signed(gateway, SigningKey.generate())), "UNAUTHENTICATED"),
    "a foreign issuer": (lambda gateway: bearer(signed(gateway, iss="somebody")), "UNAUTHENTICATED"),
    "for another audience": (lambda gateway: bearer(signed(gateway, aud="another")), "UNAUTHENTICATED"),
    "not valid yet": (lambda gateway: bearer(signed(gateway, nbf=int(time.time()) + 600)), "UNAUTHENTICATED"),
    "expired": (
        lambda gateway: bearer(signed(gateway, iat=int(time.time()) - 7200, exp=int(time.time()) - 3600)),
        "TOKEN_EXPIRED",
    ),
    "the other chat's": (lambda gateway: bearer(gateway.token(OTHER)), "PERMISSION_DENIED"),
    "one that may only read": (
        lambda gateway: bearer(gateway.token(CHAT, "svc:test", Permission.READ)),
        "PERMISSION_DENIED",
    ),
}
CODES = {
    "UNAUTHENTICATED": (grpc.StatusCode.UNAUTHENTICATED, "unauthenticated"),
    "TOKEN_EXPIRED": (grpc.StatusCode.UNAUTHENTICATED, "token expired"),
    "PERMISSION_DENIED": (grpc.StatusCode.PERMISSION_DENIED, "permission denied"),
}
NOT_CHATS = {
    "a bool": True,
    "a float": float(CHAT),
    "a string": str(CHAT),
    "zero": 0,
    "missing": None,
    "a list": [CHAT],
    "above Telegram's": MAX_CHAT_ID + 1,
    "below Telegram's": MIN_CHAT_ID - 1,
    "over 64 bits": 1 << 64,
}


async def refused(gateway: Gateway, metadata: Metadata, chat_id: int = CHAT) -> Refusal:
    async with grpc.aio.insecure_channel(gateway.address) as channel:
        request = pb.SendMessageRequest(chat_id=chat_id, text="it must not arrive")
        return await refusal_of(MessagingGatewayStub(channel).SendMessage(request, metadata=metadata))


async def recorded(gateway: Gateway, refusals: Sequence[Refusal]) -> list[Record]:
    """The audit records of refusals, once they are written."""
    ids = [str(refusal.trailers["chatkey-error-id"]) for refusal in refusals]
    async with read_sqlite(gateway.config.database_path) as reading:
        found: dict[str, Record] = {}

        async def all_there() -> bool:
            records = await reading.records(event="call.refused", limit=1000)
            found.update({record.error_id: record for _, record in records})
            return found.keys() >= set(ids)

        await until(all_there, "every refusal is in the audit log")
        return [found[error_id] for error_id in ids]


async def test_without_the_right_nothing_reaches_the_chat(gateway: Gateway, subtests: pytest.Subtests) -> None:
    refusals = {}
    async with gateway.client(OTHER) as client, nothing_is_lost(gateway.telegram, client, OTHER):
        for way, (metadata, reason) in WITHOUT.items():
            with subtests.test(way):
                refusal = refusals[way] = await refused(gateway, metadata(gateway))
                assert refusal.info.reason == reason
                assert (refusal.code, refusal.text) == CODES[reason]
                assert not refusal.info.metadata
    records = dict(zip(refusals, await recorded(gateway, list(refusals.values())), strict=True))
    assert {record.decision for record in records.values()} == {"deny"}
    assert len({record.reason for record in records.values()}) >= 9, "the log does not tell the ways apart"
    assert (records["the other chat's"].chat_id, records["the other chat's"].claimed_chat_id) == (OTHER, CHAT)
    assert shown(gateway.telegram, CHAT) == []


async def test_a_token_is_pinned_by_an_integer_and_by_nothing_else(gateway: Gateway, subtests: pytest.Subtests) -> None:
    async with gateway.client(OTHER) as client, nothing_is_lost(gateway.telegram, client, OTHER):
        for what, chat_id in NOT_CHATS.items():
            with subtests.test(what):
                refusal = await refused(gateway, bearer(signed(gateway, chat_id=chat_id)))
                assert refusal.code is grpc.StatusCode.UNAUTHENTICATED
    assert shown(gateway.telegram, CHAT) == []
    async with grpc.aio.insecure_channel(gateway.address) as channel:
        request = pb.SendMessageRequest(chat_id=CHAT, text="it must arrive")
        await MessagingGatewayStub(channel).SendMessage(request, metadata=bearer(signed(gateway)))
    assert shown(gateway.telegram, CHAT) == ["it must arrive"]


async def test_every_other_chat_is_refused_in_the_same_bytes(gateway: Gateway, subtests: pytest.Subtests) -> None:
    mine = bearer(gateway.token(CHAT))
    known = await refused(gateway, mine, OTHER)
    asked = len(gateway.telegram.log())
    for chat_id in (1, -1, CHAT - 1, -CHAT, MAX_CHAT_ID, MAX_CHAT_ID + 1, MIN_CHAT_ID - 1, 2**63 - 1, -(2**63)):
        with subtests.test(str(chat_id)):
            assert (await refused(gateway, mine, chat_id)).wire == known.wire
    assert len(gateway.telegram.log()) == asked
