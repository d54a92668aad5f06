"""What was answered survives a power loss at any moment. With `synchronous = NORMAL` it does not, and this notices."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from random import Random

import pytest

from gateway.errors import GatewayError
from gateway.model import Message, State, Update
from gateway.store import opening, writer
from gateway.store.base import Store
from gateway.store.sqlite import open_sqlite
from gateway.store.updates import UpdatePlace
from tests.support.messages import NOW, a_message, a_record
from tests.support.power_loss import Disk
from tests.support.updates import an_update

ROUNDS = int(os.environ.get("CHATKEY_POWER_LOSSES", "500"))
FIRST = int(os.environ.get("CHATKEY_FIRST_SEED", "0"))
_disks = count()


@dataclass
class Answers:
    """What the callers of one round were told last of each message, and which updates were said to be kept."""

    messages: dict[str, Message] = field(default_factory=dict)
    updates: list[Update] = field(default_factory=list)

    def note(self, message: Message | None) -> Message:
        assert message is not None
        self.messages[message.id] = message
        return message


@pytest.fixture
def frequent_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the power go during checkpoints too."""
    monkeypatch.setattr(writer, "_LOG_PAGES", 60)


@pytest.mark.usefixtures("frequent_checkpoints")
async def test_what_was_answered_survives_a_power_loss(tmp_path: Path) -> None:
    answered = 0
    for seed in range(FIRST, FIRST + ROUNDS):
        answers, lost = await a_round(seed, tmp_path / str(seed) / "chatkey.db")
        assert lost == [], f"seed {seed}"
        answered += len(answers.messages)
    assert answered > ROUNDS


async def test_a_log_synced_only_at_checkpoints_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weak = tuple(setting.replace("synchronous = FULL", "synchronous = NORMAL") for setting in opening.SETTINGS)
    monkeypatch.setattr(opening, "SETTINGS", weak)
    lost: list[str] = []
    for seed in range(ROUNDS):
        try:
            _, lost_now = await a_round(seed, tmp_path / str(seed) / "chatkey.db")
        except AssertionError:
            return
        lost += lost_now
        if lost:
            return
    pytest.fail(f"{ROUNDS} power losses and nothing was lost: this harness proves nothing")


async def test_a_repeat_after_a_crash_is_answered_from_what_is_durable(tmp_path: Path) -> None:
    """A crash leaves a commit in the log that was not synced; then it is found, answered from, and the power goes."""
    for seed in range(ROUNDS // 2):
        path = tmp_path / str(seed) / "chatkey.db"
        disk = Disk(f"disk-{next(_disks)}", Random(seed))
        async with open_sqlite(path, vfs=disk.name) as store:
            disk.operations_left = disk.chance.randrange(1, 120)
            await a_client(store, 0, Answers())
        disk.operations_left = None
        answers = Answers()
        async with open_sqlite(path, vfs=disk.name) as store:
            known = await store.changes("client-0", {-100}, 0, 1000)
            repeats = [replace(message, id=f"repeat-{message.id}") for message in known]
            for kept in await asyncio.gather(*(store.add(repeat, a_record(repeat)) for repeat in repeats)):
                answers.note(kept)
            disk.operations_left = 0
        disk.restore()
        disk.unregister()
        assert await lost_from(path, answers) == [], f"seed {seed}"


async def a_round(seed: int, path: Path) -> tuple[Answers, list[str]]:
    chance = Random(seed)
    disk = Disk(f"disk-{next(_disks)}", chance)
    answers = Answers()
    try:
        async with open_sqlite(path, vfs=disk.name) as store:
            disk.operations_left = chance.randrange(1, 400)
            await asyncio.gather(*(a_client(store, name, answers) for name in range(chance.randrange(1, 5))))
    finally:
        disk.restore()
        disk.unregister()
    return answers, await lost_from(path, answers)


async def a_client(store: Store, name: int, answers: Answers) -> None:
    try:
        for number in range(100):
            message = a_message(client=f"client-{name}", request_id=f"r{number}", content=bytes(number * 40))
            added = answers.note(await store.add(message, a_record(message)))
            started = answers.note(await store.start(added.id, NOW))
            final = replace(started, state=State.DELIVERED, finished_at=NOW, telegram_message_ids=(number,))
            answers.note(await store.save(final, (State.SENDING, 1), a_record(message, "message.delivered")))
            # Every second one comes again, as it does when it could not be confirmed.
            updates = [an_update(7, update_id=1000 * name + number + each) for each in range(2)]
            answers.updates += await store.updates.add(updates)
    except GatewayError:
        return


async def lost_from(path: Path, answers: Answers) -> list[str]:
    async with open_sqlite(path) as store:
        lost = []
        for message in answers.messages.values():
            kept = await store.get(message.id)
            # A change that was on its way may have been kept although nobody was told.
            if kept is None or kept.change < message.change or kept.seq != message.seq:
                lost.append(message.id)
        updates = (await store.updates.page([UpdatePlace(7)], [], 0, 10_000)).updates
        assert [update.seq for update in updates] == list(range(1, len(updates) + 1))
        assert len({update.update_id for update in updates}) == len(updates)
        lost += [f"update {update.update_id}" for update in answers.updates if update not in updates]
        records = await store.records(limit=10_000)
        assert [seq for seq, _ in records] == list(range(1, len(records) + 1))
        added = [record.message_id for _, record in records if record.event == "message.accepted"]
        assert len(set(added)) == len(added) >= len(answers.messages)
    return lost
