"""A history that was multiplied is one that the store takes for its own."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from gateway.store.sqlite import open_sqlite
from tests.benchmarks.history import multiply
from tests.support.messages import NOW, a_message, a_record


async def test_a_multiplied_history_is_long_old_and_of_many_clients(tmp_path: Path) -> None:
    path = tmp_path / "chatkey.db"
    async with open_sqlite(path) as store:
        first = a_message(attempted_at=NOW)
        await store.add(first, a_record(first))
    multiply(path, 2000)
    async with open_sqlite(path) as store:
        attempts = await store.recent_attempts(NOW - timedelta(days=365))
        assert len(attempts) == 2001
        assert len({chat_id for chat_id, _ in attempts}) > 900
        assert [at for _, at in attempts if at > NOW - timedelta(days=1)] == [NOW]
        assert len(await store.records(limit=5000)) == 2001
        assert len(await store.unfinished()) == 2001
        assert (await store.seals.head(lambda: "chain")).seq == 2001
        after = await store.add(last := a_message(), a_record(last))
        assert after.seq == 2002
        assert (await store.records(newest_first=True, limit=1))[0][0] == 2002
