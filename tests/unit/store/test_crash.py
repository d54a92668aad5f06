"""What was answered survives `kill -9`."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.store.sqlite import open_sqlite
from tests.support.messages import a_message, a_record

ROUNDS = 5


@pytest.mark.slow
async def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "chatkey.db"
    answered: list[int] = []
    for answers in range(1, ROUNDS + 1):
        answered += await asyncio.to_thread(killed_after, answers * 60, path)
        async with open_sqlite(path) as store:
            seqs = [pending.seq for pending in await store.unfinished()]
            records = [seq for seq, _ in await store.records(limit=100_000)]
        assert seqs == list(range(1, len(seqs) + 1))
        assert set(answered) <= set(seqs)
        assert records == list(range(1, len(seqs) + 1))


def killed_after(answers: int, path: Path) -> list[int]:
    """Run a server that adds as fast as it can, kill it after so many answers and return all it gave."""
    command = [sys.executable, "-m", "tests.unit.store.test_crash", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as server:
        assert server.stdout is not None
        given = [int(server.stdout.readline()) for _ in range(answers)]
        os.kill(server.pid, signal.SIGKILL)
        given += [int(line) for line in server.stdout if line.endswith(b"\n")]
    return given


async def serve(path: Path) -> None:
    async with open_sqlite(path) as store:

        async def a_client(name: int) -> None:
            while True:
                message = a_message(id=os.urandom(16).hex(), client=f"client-{name}")
                kept = await store.add(message, a_record(message))
                print(kept.seq, flush=True)

        await asyncio.gather(*(a_client(name) for name in range(8)))


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
