"""The audit log of a gateway that serves."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from gateway.audit.proof import verify
from gateway.audit.signing import open_signer
from gateway.store.sqlite import read_sqlite
from tests.support.audit_log import a_log
from tests.support.gateway import gateway
from tests.support.server import until


async def test_a_gateway_moves_what_is_old_into_files_by_itself(tmp_path: Path) -> None:
    log = await a_log(tmp_path / "data")
    async with gateway(log.data) as house, house.client(-1001) as client:
        await client.send("hello", chat_id=-1001)

        async def is_archived() -> bool:
            async with read_sqlite(log.path) as store:
                return await store.seals.archived_until() == 4

        await until(is_archived, "what is old is in files")
        async with read_sqlite(log.path) as store:
            verdict = await verify(store, store.seals, [log.signer.public], archives=log.folder)
        assert verdict.problems == []
        assert verdict.archived == 12 < verdict.records
    assert (await log.verdict()).problems == []


async def test_each_start_and_each_stop_is_in_the_log(tmp_path: Path) -> None:
    for _ in range(2):
        async with gateway(tmp_path / "data"):
            pass
    async with read_sqlite(tmp_path / "data" / "chatkey.db") as store:
        log = [record for _, record in await store.records()]
        assert [record.event for record in log] == 2 * ["gateway.started", "gateway.stopped"]
        assert log[0].facts == {"version": version("chatkey-gateway")}
        verdict = await verify(store, store.seals, [open_signer(tmp_path / "data").public])
        assert (verdict.problems, verdict.sealed) == ([], 4)
