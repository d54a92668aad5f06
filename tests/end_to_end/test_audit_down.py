"""Row 48 of the threat model: what is done while it can't be written down is not done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import apsw
import grpc
import pytest

from chatkey.v1 import chat_service_pb2 as chat_pb
from chatkey.v1 import credential_self_pb2 as credential_pb
from chatkey.v1 import messaging_gateway_pb2 as pb
from gateway.model import Permission
from gateway.store.sqlite import open_sqlite
from tests.support.faulty_files import FaultyFiles
from tests.support.open_door import Outside, outside, refusal_of
from tests.support.open_house import CHAT, open_house

HELLO = pb.SendMessageRequest(chat_id=CHAT, text="hello", request_id="once")
FOREIGN = pb.SendMessageRequest(chat_id=CHAT - 1, text="hello")
NARROW = credential_pb.NarrowCredentialRequest()

FAULTS = [
    pytest.param(apsw.FullError, {"xWrite"}, id="the disk is full"),
    pytest.param(apsw.IOError, {"xSync"}, id="a sync fails"),
    pytest.param(apsw.ReadOnlyError, {"xWrite", "xTruncate"}, id="the disk is read-only"),
    pytest.param(apsw.IOError, {"xOpen", "xRead", "xWrite", "xTruncate", "xSync"}, id="the disk is gone"),
]
_names = count()


@pytest.fixture
def files() -> Iterator[FaultyFiles]:
    made = FaultyFiles(f"audit-down-{next(_names)}")
    yield made
    made.unregister()


@pytest.fixture
async def view(files: FaultyFiles, tmp_path: Path) -> AsyncIterator[Outside]:
    storage = open_sqlite(tmp_path / "chatkey.db", vfs=files.name)
    async with open_house(storage=storage) as house, outside(house) as opened:
        yield opened
        files.failing = ()
        files.answers.set()


@pytest.mark.parametrize(("fault", "failing"), FAULTS)
async def test_row_48_what_can_not_be_written_down_is_not_done(
    view: Outside, files: FaultyFiles, fault: type[apsw.Error], failing: set[str]
) -> None:
    files.fault, files.failing = fault, failing
    sent = await refusal_of(view.messaging.SendMessage(HELLO, metadata=view.bearer()))
    assert (sent.code, sent.info.reason) == (grpc.StatusCode.UNAVAILABLE, "NOT_DURABLE")
    narrowed = await refusal_of(view.credential_self.NarrowCredential(NARROW, metadata=view.bearer()))
    assert (narrowed.code, narrowed.info.reason) == (grpc.StatusCode.UNAVAILABLE, "AUDIT_UNAVAILABLE")
    refused = await refusal_of(view.messaging.SendMessage(FOREIGN, metadata=view.bearer()))
    assert refused.code is grpc.StatusCode.PERMISSION_DENIED, "a refusal needs no disk"
    await view.house.ledger.flush()
    assert (view.house.telegram.sent, view.house.ledger.unwritten) == ([], 1)

    files.failing = ()
    reply = await view.messaging.SendMessage(HELLO, metadata=view.bearer())
    assert reply.message.state == pb.STATE_DELIVERED
    assert [record.reason for record in await view.house.refusals()] == ["chat_mismatch"]
    records = [record for _, record in await view.house.store.records()]
    assert "credential.narrowed" not in {record.event for record in records}
    assert len(view.house.telegram.sent) == 1


async def test_row_48_a_disk_that_does_not_answer_holds_back_what_it_should_have_written(
    view: Outside, files: FaultyFiles
) -> None:
    files.answers.clear()
    sending = view.messaging.SendMessage(HELLO, metadata=view.bearer())
    narrowing = view.credential_self.NarrowCredential(NARROW, metadata=view.bearer())
    under_way = [asyncio.ensure_future(call.code()) for call in (sending, narrowing)]
    # Answered while the others wait: by then they have had their turn.
    for _ in range(20):
        refused = await refusal_of(view.messaging.SendMessage(FOREIGN, metadata=view.bearer()))
        assert refused.code is grpc.StatusCode.PERMISSION_DENIED
    assert not any(each.done() for each in under_way)
    assert view.house.telegram.sent == []
    files.answers.set()
    assert await asyncio.gather(*under_way) == [grpc.StatusCode.OK, grpc.StatusCode.OK]
    assert len(view.house.telegram.sent) == 1


async def test_row_48_nothing_is_moderated_that_can_not_be_written_down(view: Outside, files: FaultyFiles) -> None:
    token = view.house.token(permissions=frozenset(Permission))
    ban = chat_pb.BanChatMemberRequest(chat_id=CHAT, user_id=1)
    files.fault, files.failing = apsw.FullError, {"xWrite"}
    refused = await refusal_of(view.chats.BanChatMember(ban, metadata=view.bearer(token)))
    assert (refused.code, refused.info.reason) == (grpc.StatusCode.UNAVAILABLE, "AUDIT_UNAVAILABLE")
    await view.chats.GetChat(chat_pb.GetChatRequest(chat_id=CHAT), metadata=view.bearer(token))
    assert view.house.telegram.done == []
    files.failing = ()
    await view.chats.BanChatMember(ban, metadata=view.bearer(token))
    events = [record.event for _, record in await view.house.store.records(chat_id=CHAT)]
    assert events == ["chat.moderation_begun", "chat.moderation_ended"]
    assert len(view.house.telegram.done) == 1
