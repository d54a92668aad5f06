"""A disk that fills up under the whole server: refusals that say so, nothing half-kept, and no restart to recover."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import grpc
import pytest

import chatkey
from chatkey import Client, State, WaitFor
from chatkey.refusals import error_from
from chatkey.v1 import messaging_gateway_pb2 as pb
from chatkey.v1.messaging_gateway_pb2_grpc import MessagingGatewayStub
from gateway import model
from gateway.sandbox import Sandbox
from gateway.sandbox import running as sandbox_running
from tests.faults.disk import Disk, ForbiddenDisk, small_disk
from tests.faults.evidence import evidence
from tests.support.auditor import Told, audit
from tests.support.kept import shown
from tests.support.server import Server, serving, until

CHAT, SLOW = -1001, -1002


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


async def refused(server: Server) -> list[Told]:
    """Send, without a client that repeats it, until it was refused thrice; return what was accepted before.

    There may be room in files for some more: what is accepted then is as durable as ever.
    """
    kept: list[Told] = []
    refusals = 0
    async with grpc.aio.insecure_channel(server.address) as channel:
        metadata = (("authorization", f"Bearer {server.token(CHAT)}"),)
        for number in count():
            text = f"{number} {'x' * 4000}"
            request = pb.SendMessageRequest(chat_id=CHAT, text=text, wait_for=pb.WAIT_FOR_ACCEPTANCE)
            try:
                answer = await MessagingGatewayStub(channel).SendMessage(request, metadata=metadata)
            except grpc.aio.AioRpcError as failed:
                refusal = error_from(failed)
                if (refusal.code, refusal.reason) != (grpc.StatusCode.UNAVAILABLE, "NOT_DURABLE"):
                    raise
                refusals += 1
                if refusals == 3:
                    break
            else:
                kept.append(Told(client="svc:test", chat_id=CHAT, text=text, accepted=[answer.message.id]))
    return kept


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
        told += await refused(server)
        with pytest.raises(chatkey.PermissionDenied):
            await client.send("for another chat", chat_id=SLOW)
        await until(lambda: shown(telegram, SLOW), "the attempt under way ends")

        disk.free()
        told.append(await accepted(client, CHAT, "after"))
        await until(server.is_done, "every message is final")
        assert server.lines("the storage works again")
        assert await server.stop() == 0
        found = await evidence(server.config.database_path, telegram, told)
    assert audit(found) == []
    assert {message.state for message in found.messages} == {model.State.DELIVERED}
    assert len(found.messages) == len(told), "what was refused was kept"
    assert shown(telegram, CHAT) == [each.text for each in told if each.chat_id == CHAT]
    assert shown(telegram, SLOW) == ["on its way", "behind it"]
    assert [record.reason for record in found.records if record.event == "call.refused"] == ["chat_mismatch"]


async def test_nobody_is_told_of_an_outcome_that_can_not_be_kept(tmp_path: Path) -> None:
    telegram, disk = telegram_with_a_slow_chat(), ForbiddenDisk(tmp_path / "disk")
    async with (
        sandbox_running(telegram) as url,
        serving(tmp_path / "server", url, data_dir=str(disk.folder / "data")) as server,
        server.client(SLOW) as slow,
    ):
        waiting = asyncio.create_task(slow.send("on its way", chat_id=SLOW))
        await until(lambda: _waits(server), "the message is accepted")
        behind = await accepted(slow, SLOW, "behind it")
        disk.fill(server)
        assert await refused(server) == []
        await until(lambda: shown(telegram, SLOW), "the attempt under way ends")
        assert (await slow.get(behind.accepted[0])).state is State.QUEUED
        assert not waiting.done()
        assert shown(telegram, SLOW) == ["on its way"]
        disk.free()
        assert (await waiting).state is State.DELIVERED


async def _waits(server: Server) -> bool:
    return await server.waiting() == 1


async def test_a_server_that_is_killed_on_a_full_disk_starts_when_there_is_room(tmp_path: Path) -> None:
    telegram, disk = telegram_with_a_slow_chat(), ForbiddenDisk(tmp_path / "disk")
    async with (
        sandbox_running(telegram) as url,
        serving(tmp_path / "server", url, data_dir=str(disk.folder / "data")) as server,
        server.client(SLOW) as slow,
    ):
        told = [await accepted(slow, SLOW, text) for text in ("on its way", "behind it")]
        disk.fill(server)
        assert await refused(server) == []
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
