"""Keys that are followed: taken when they are good and new, kept while something is wrong, too old after a day."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.errors import ConfigInvalid
from gateway.jwks.fetch import FetchFailed
from gateway.jwks.file_source import FileSource
from gateway.jwks.public_file import MAX_BYTES, read_public
from gateway.jwks.source import MAX_STALE
from gateway.jwks.url_source import UrlSource

DAY = MAX_STALE.total_seconds()
SOON = timedelta(milliseconds=1)
NEVER = timedelta(days=1)


class Hands:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds


class Taker:
    """Takes what is not bad."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.seen: list[bytes] = []
        self.took = asyncio.Event()

    def __call__(self, data: bytes) -> None:
        self.seen.append(data)
        if data.startswith(b"bad"):
            raise ConfigInvalid("it is bad")
        self.taken.append(data)
        self.took.set()


class Far:
    """The far side of an address: what it answers next."""

    def __init__(self, says: bytes | Exception) -> None:
        self.says = says
        self.asked = 0

    async def __call__(self) -> bytes:
        self.asked += 1
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


AWAY = FetchFailed("it does not answer within 3 s")


@asynccontextmanager
async def running(work: Awaitable[None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def events(lines: Any) -> list[str]:
    return [line["event"] for line in lines]


# --- files


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    path.write_bytes(b"one")
    return path


def file_source(path: Path, taker: Taker, clock: Hands | None = None, poll: timedelta = SOON) -> FileSource:
    return FileSource(lambda: read_public(path), taker, name="the file", clock=clock or Hands(), poll=poll)


async def test_a_file_is_taken_when_it_is_opened_and_whenever_it_is_another(path: Path) -> None:
    taker = Taker()
    source = file_source(path, taker)
    await source.open()
    await source.look()
    assert taker.taken == [b"one"]
    path.write_bytes(b"two")
    await source.look()
    (path.parent / "new").write_bytes(b"six")  # replaced by a rename, with the same size
    (path.parent / "new").replace(path)
    await source.look()
    assert taker.taken == [b"one", b"two", b"six"]


async def test_a_file_is_followed_by_itself(path: Path) -> None:
    taker = Taker()
    source = file_source(path, taker)
    await source.open()
    async with running(source.run()):
        for content in (b"two", b"six"):
            taker.took.clear()
            path.write_bytes(content)
            while content not in taker.taken:
                await taker.took.wait()
                taker.took.clear()


async def test_a_link_that_moves_is_followed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(name.encode())
    link = tmp_path / "keys.json"
    link.symlink_to("a")
    taker = Taker()
    source = file_source(link, taker)
    await source.open()
    (tmp_path / "next").symlink_to("b")
    (tmp_path / "next").replace(link)
    await source.look()
    assert taker.taken == [b"a", b"b"]


async def test_row_49_a_bad_change_is_told_once_and_what_was_there_stays(path: Path) -> None:
    taker = Taker()
    source = file_source(path, taker)
    await source.open()
    with capture_logs() as lines:
        for content in (b"bad", b"bad", b"bad", b"bad too"):
            path.write_bytes(content)
            await source.look()
        path.unlink()
        await source.look()
        await source.look()
        path.write_bytes(b"two")
        path.chmod(0o666)
        await source.look()
        path.chmod(0o600)
        path.write_bytes(b"one")
        await source.look()
        path.write_bytes(b"two")
        await source.look()
    assert taker.taken == [b"one", b"two"]
    assert taker.seen == [b"one", b"bad", b"bad too", b"two"]
    assert events(lines) == ["keys.kept", "keys.kept", "keys.kept", "keys.recovered", "keys.changed"]
    assert [line["why"] for line in lines[:3]] == [
        "it is bad",
        "it can't be read: No such file or directory",
        "others can write into it: chmod go-w it",
    ]
    assert not source.has_problem


@pytest.mark.parametrize(("content", "complaint"), [(None, "No such file"), (b"bad", "it is bad")])
async def test_a_file_without_keys_is_refused_at_the_start(path: Path, content: bytes | None, complaint: str) -> None:
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(ConfigInvalid, match=f"the file.*{complaint}"):
        await file_source(path, Taker()).open()


async def test_keys_that_could_not_be_read_for_a_day_are_too_old(path: Path) -> None:
    clock = Hands()
    source = file_source(path, Taker(), clock)
    assert source.is_stale()
    await source.open()
    path.unlink()
    with capture_logs() as lines:
        for seconds, stale in ((DAY - 1, False), (1, False), (1, True), (1, True)):
            clock.seconds += seconds
            await source.look()
            assert source.is_stale() is stale
        path.write_bytes(b"one")
        await source.look()
    assert not source.is_stale()
    assert events(lines) == ["keys.kept", "keys.stale", "keys.recovered"]


async def test_keys_that_were_refused_for_a_day_are_too_old(path: Path) -> None:
    clock = Hands()
    source = file_source(path, Taker(), clock)
    await source.open()
    path.write_bytes(b"bad")
    with capture_logs() as lines:
        await source.look()
        clock.seconds += DAY + 1
        await source.look()
    assert source.is_stale()
    assert events(lines) == ["keys.kept", "keys.stale"]


async def test_keys_that_are_read_again_unchanged_stay_good_for_ever(path: Path) -> None:
    clock = Hands()
    source = file_source(path, Taker(), clock)
    await source.open()
    for _ in range(5):
        clock.seconds += DAY
        await source.look()
    assert not source.is_stale()


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_a_file_that_others_can_write_says_nothing(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(ConfigInvalid, match="chmod go-w"):
        read_public(path)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises((ConfigInvalid, OSError)):
            read_public(path)


def test_no_more_is_read_than_shows_that_it_is_too_much(path: Path) -> None:
    path.write_bytes(b" " * (2 * MAX_BYTES))
    assert len(read_public(path)) == MAX_BYTES + 1


# --- addresses


def url_source(
    far: Far, taker: Taker, clock: Hands | None = None, refresh: timedelta = NEVER, retry: timedelta = NEVER
) -> UrlSource:
    return UrlSource(far, taker, name="the address", clock=clock or Hands(), refresh=refresh, retry=retry)


async def test_an_address_is_asked_again_and_again() -> None:
    far, taker = Far(b"one"), Taker()
    source = url_source(far, taker, refresh=SOON)
    await source.open()
    async with running(source.run()):
        taker.took.clear()
        far.says = b"two"
        await taker.took.wait()
    assert taker.taken == [b"one", b"two"]


async def test_after_a_failure_an_address_is_asked_again_sooner() -> None:
    far, taker = Far(AWAY), Taker()
    source = url_source(far, taker, retry=SOON)
    with capture_logs() as lines:
        await source.open()
        async with running(source.run()):
            far.says = b"one"
            await taker.took.wait()
    assert not source.is_stale()
    assert events(lines) == ["keys.stale", "keys.recovered"]


async def test_our_start_does_not_hang_on_theirs_and_there_are_no_keys_until_they_answer() -> None:
    far, taker = Far(AWAY), Taker()
    source = url_source(far, taker)
    with capture_logs() as lines:
        await source.open()
        await source.look()
    assert source.is_stale()
    assert events(lines) == ["keys.stale"]
    far.says = b"one"
    await source.look()
    assert not source.is_stale()


async def test_an_answer_that_is_no_set_of_keys_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigInvalid, match="the address: it is bad"):
        await url_source(Far(b"bad"), Taker()).open()


@pytest.mark.parametrize("wrong", [AWAY, b"bad"])
async def test_row_49_while_something_is_wrong_the_last_good_keys_stay_for_a_day(wrong: bytes | Exception) -> None:
    far, taker, clock = Far(b"one"), Taker(), Hands()
    source = url_source(far, taker, clock)
    await source.open()
    far.says = wrong
    with capture_logs() as lines:
        for seconds, stale in ((0, False), (DAY, False), (1, True), (DAY, True)):
            clock.seconds += seconds
            await source.look()
            assert source.is_stale() is stale
    assert taker.taken == [b"one"]
    assert events(lines) == ["keys.kept", "keys.stale"]


async def test_an_unknown_key_makes_it_ask_early_once_a_minute() -> None:
    far, taker, clock = Far(b"one"), Taker(), Hands()
    source = url_source(far, taker, clock)
    await source.open()

    async def asked_after(misses: int, seconds: float) -> int:
        """How often it asks when so many keys are missed now, and one so many seconds later with other keys there."""
        before = far.asked
        for _ in range(misses):
            source.miss()
        far.says = f"{clock.seconds}".encode()
        clock.seconds += seconds
        taker.took.clear()
        source.miss()
        await taker.took.wait()
        return far.asked - before

    async with running(source.run()):
        assert await asked_after(1000, 0) == 1
        clock.seconds += 59
        for _ in range(1000):
            source.miss()
        await asyncio.sleep(0)
        assert far.asked == 2
        assert await asked_after(0, 1) == 1


async def test_missing_a_key_returns_at_once() -> None:
    asked = asyncio.Event()

    async def never() -> bytes:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    source = UrlSource(never, Taker(), name="the address", clock=Hands())
    async with running(source.run()):
        miss: Callable[[], None] = source.miss
        miss()
        await asked.wait()
        miss()
