"""A disk that fills up under the whole server: refusals that say so, nothing half-kept, and no restart to recover."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

import chatkey
from chatkey import Client, State, WaitFor
from chatkey.v1 import messaging_gateway_pb2 as pb
from chatkey.v1.messaging_gateway_pb2_grpc import MessagingGatewayStub
from gateway import model
from gateway.sandbox import Sandbox
from gateway.sandbox import running as sandbox_running
from tests.faults.disk import Disk, ForbiddenDisk, small_disk
from tests.faults.evidence import evidence
from tests.support.auditor import Told, audit
from tests.support.kept import shown
from tests.support.open_door import Refusal, refusal_of
from tests.support.server import Server, serving, until

CHAT, SLOW = -1001, -1002
REFUSED = "refused"


@pytest.fixture(params=["full", "forbidden"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    with small_disk(tmp_path / "disk") as small:
        # Who may not mount a small disk sees the other kind of fault twice.
        yield small if small and request.param == "full" else ForbiddenDisk(tmp_path / "disk")


def telegram_with_a_slow_chat() -> Sandbox:
    telegram = Sandbox(limits="none", chats=[{"id": CHAT}, {"id": SLOW}])
    telegram.add_fault("sendMessage", SLOW, fault={"kind": "delay", "seconds": 1})
    return telegram


async def accepted(client: Client, chat_id: int, text: str) -> Told:
    answer = await client.send(text, chat_id=chat_id, request_id=text.replace(" ", "-"), wait_for=WaitFor.ACCEPTANCE)
    return Told(client="svc:test", chat_id=chat_id, text=text, request_id=answer.request_id, accepted=[answer.id])


async def refused(server: Server) -> Refusal:
    """Send what can't be kept, without a client that repeats it."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        metadata = (("authorization", f"Bearer {server.token(CHAT)}"),)
        request = pb.SendMessageRequest(chat_id=CHAT, text=REFUSED, request_id=REFUSED)
        return await refusal_of(MessagingGatewayStub(channel).SendMessage(request, metadata=metadata))


async def test_a_full_disk_refuses_keeps_what_it_has_and_recovers_by_itself(tmp_path: Path, disk: Disk) -> None:
    telegram = telegram_with_a_slow_chat()
    async with (
        sandbox_running(telegram) as url,
        serving(tmp_path / "server", url, data_dir=str(disk.folder / "data")) as server,
        server.client(CHAT) as client,
        server.client(SLOW) as slow,
    ):
        told = [await accepted(client, CHAT, "before")]
        told += [await accepted(slow, SLOW, text) for text in ("on its way", "behind it")]
        disk.fill(server)

        for _ in range(3):
            refusal = await refused(server)
            assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.UNAVAILABLE, "NOT_DURABLE")
        with pytest.raises(chatkey.PermissionDenied):
            await client.send("for another chat", chat_id=SLOW)
        await until(lambda: shown(telegram, SLOW), "the attempt under way ends")
        # Its outcome can't be kept, so nobody is told of one, and what waits behind it waits.
        assert {(await slow.get(each.accepted[0])).state for each in told[1:]} == {State.SENDING, State.QUEUED}
        assert shown(telegram, SLOW) == ["on its way"]
        assert server.lines("the storage works again") == []

        disk.free()
        await until(server.is_done, "every message is final")
        told.append(await accepted(client, CHAT, REFUSED))
        told.append(await accepted(client, CHAT, "after"))
        await until(server.is_done, "every message is final")
        assert len(server.lines("the storage works again")) == 1
        assert await server.stop() == 0
        found = await evidence(server.config.database_path, telegram, told)
    assert audit(found) == []
    assert {message.state for message in found.messages} == {model.State.DELIVERED}
    assert shown(telegram, CHAT) == ["before", REFUSED, "after"]
    assert shown(telegram, SLOW) == ["on its way", "behind it"]
    assert [record.reason for record in found.records if record.event == "call.refused"] == ["chat_mismatch"]


async def test_a_server_that_is_killed_on_a_full_disk_starts_when_there_is_room(tmp_path: Path, disk: Disk) -> None:
    telegram = telegram_with_a_slow_chat()
    async with (
        sandbox_running(telegram) as url,
        serving(tmp_path / "server", url, data_dir=str(disk.folder / "data")) as server,
        server.client(SLOW) as slow,
    ):
        told = [await accepted(slow, SLOW, text) for text in ("on its way", "behind it")]
        disk.fill(server)
        await refused(server)
        await until(lambda: shown(telegram, SLOW), "the attempt under way ends")
        await server.kill()
        disk.free()
        await server.start()
        await until(server.is_done, "every message is final")
        assert await server.stop() == 0
        found = await evidence(server.config.database_path, telegram, told)
    assert audit(found) == []
    assert {message.state for message in found.messages} == {model.State.DELIVERED}
    # Telegram had answered, and that could not be kept: to send it again, and say so, is all that is left.
    assert shown(telegram, SLOW) == ["on its way", "on its way", "behind it"]
    assert [message.possibly_duplicated for message in found.messages] == [True, False]
