"""What the server does not start with: it says in one line what to do, and what was accepted before waits unharmed."""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import pytest

from chatkey import Message
from gateway.sandbox import Sandbox
from gateway.sandbox import running as sandbox_running
from tests.support.kept import accepted, require_delivered
from tests.support.server import NotStarted, Server, free_port, searched, server

CHAT = -1001
MINE = "127.0.0.1"
C = ctypes.CDLL(None, use_errno=True)


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that was killed with messages in its queue; after all refusals it starts, and they are delivered."""
    with asyncio.Runner() as runner:
        down = f"http://{MINE}:{free_port()}"
        killed = Server(tmp_path_factory.mktemp("idle"), down, log_level="INFO")
        messages = runner.run(_accepts_and_is_killed(killed))
        yield killed
        runner.run(_delivers(killed, messages))


async def _accepts_and_is_killed(made: Server) -> list[Message]:
    await made.start()
    async with made.client(CHAT) as client:
        messages = await accepted(client, CHAT)
    await made.kill()
    return messages


async def _delivers(made: Server, messages: list[Message]) -> None:
    telegram = Sandbox(limits="none", chats=[{"id": CHAT}])
    async with sandbox_running(telegram) as url, searched(made) as idle:
        idle.settings["bot_api_url"] = url
        await idle.start()
        async with idle.client(CHAT) as client:
            await require_delivered(telegram, client, messages)


async def complaint(of: Server, **settings: str | None) -> str:
    """Start a server with some settings changed, None leaving one out, and return the one line in which it refuses."""
    usual = of.settings
    changed = usual | settings
    of.settings = {name: value for name, value in changed.items() if value is not None}
    try:
        with pytest.raises(NotStarted) as refused:
            await of.start()
    finally:
        await of.close()
        of.settings = usual
    assert refused.value.code == 1
    assert refused.value.said.startswith("chatkey: ")
    assert refused.value.said.endswith("\n")
    assert refused.value.said.count("\n") == 1
    return refused.value.said


@contextmanager
def file(path: Path, content: str | bytes, mode: int = 0o600) -> Iterator[str]:
    """Put another content into a file for a while."""
    before = (path.read_bytes(), path.stat().st_mode) if path.exists() else None
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    try:
        yield str(path)
    finally:
        path.unlink()
        if before:
            path.write_bytes(before[0])
            path.chmod(before[1])


@contextmanager
def prepared(server: Server, prepare: Callable[[], None]) -> Iterator[None]:
    """Start a server under other conditions for a while."""
    server.prepare = prepare
    yield
    server.prepare = None


@contextmanager
def owned_by_somebody_else(directory: Path) -> Iterator[Path]:
    """Give a directory that is somebody else's for a while; one of the system's to a user who can't give any away."""
    if os.geteuid():
        yield Path("/usr")
        return
    os.chown(directory, 12345, -1)
    yield directory
    os.chown(directory, 0, -1)


@contextmanager
def read_only(directory: Path) -> Iterator[None]:
    """Take the right to write from a directory and the files in it for a while."""
    changed = [directory, *(path for path in directory.iterdir() if path.is_file())]
    modes = [path.stat().st_mode for path in changed]
    for path, mode in zip(changed, modes, strict=True):
        path.chmod(mode & ~0o222)
    yield
    for path, mode in zip(changed, modes, strict=True):
        path.chmod(mode)


HALF_SET: list[tuple[dict[str, str | None], str]] = [
    ({"bot_token_file": None}, "No bot token: set CHATKEY_BOT_TOKEN_FILE"),
    ({"bot_token": "4242424242:AAnotherNotherNotherNotherNotherNo"}, "are both set: leave one"),
    ({"bot_token_file": None, "bot_token": "nonsense"}, "has not the form of a bot token"),
    ({"bot_token_file": "/nowhere/token"}, "/nowhere/token: can't be opened: No such file"),
    ({"tls_cert_file": "/nowhere/cert"}, "CHATKEY_TLS_KEY_FILE is missing"),
    ({"tls_key_file": "/nowhere/key"}, "CHATKEY_TLS_CERT_FILE is missing"),
    ({"tls_client_ca_file": "/nowhere/ca"}, "needs CHATKEY_TLS_CERT_FILE too"),
    ({"tls_cert_file": "/nowhere/cert", "tls_key_file": "/nowhere/key"}, "/nowhere/key can't be read: No such file"),
    ({"audience": ""}, "CHATKEY_AUDIENCE is set and empty"),
    ({"audiense": "x"}, "CHATKEY_AUDIENSE is not a setting"),
    ({"grpc_listen": "50051"}, "CHATKEY_GRPC_LISTEN must be HOST:PORT"),
    ({"grpc_listen": "0.0.0.0:0"}, "there is no TLS"),
    ({"grpc_listen": "203.0.113.1:0"}, "there is no TLS"),
    ({"http_listen": f"{MINE}:99999"}, "CHATKEY_HTTP_LISTEN must be HOST:PORT"),
    ({"http_listen": "203.0.113.1:8080"}, "CHATKEY_HTTP_LISTEN: can't listen on 203.0.113.1:8080"),
    ({"http_listen": "nowhere.invalid:8080"}, "CHATKEY_HTTP_LISTEN: can't listen on nowhere.invalid:8080"),
    ({"http_listen": "unix:/nowhere/http"}, "CHATKEY_HTTP_LISTEN must be HOST:PORT"),
    ({"drain": "soon"}, "CHATKEY_DRAIN must be a number and a unit"),
    ({"token_max_lifetime": "60d"}, "CHATKEY_TOKEN_MAX_LIFETIME is over 32d"),
    ({"bot_api_url": "http://bots.example.com"}, "would travel unencrypted"),
    ({"bot_api_url": "api.telegram.org"}, "CHATKEY_BOT_API_URL must be an address"),
    ({"bot_api_proxy": "ftp://proxy:1"}, "CHATKEY_BOT_API_PROXY must be an address"),
    ({"bot_api_proxy_file": "/nowhere/proxy"}, "/nowhere/proxy can't be read: No such file"),
    ({"database": "mysql://db/chatkey"}, "CHATKEY_DATABASE must be postgresql://USER@HOST/DATABASE, or sqlite:///PATH"),
    ({"config": "/nowhere/chatkey.toml"}, "/nowhere/chatkey.toml can't be read"),
]


async def test_a_half_set_configuration_is_refused(idle: Server, subtests: pytest.Subtests) -> None:
    for settings, expected in HALF_SET:
        with subtests.test(str(settings)):
            assert expected in await complaint(idle, **settings)


async def test_a_token_file_without_a_token_for_us_alone_is_refused(idle: Server, subtests: pytest.Subtests) -> None:
    token = idle.token_file.read_text()
    for content, mode, expected in (
        ("", 0o600, "is empty; put the token from @BotFather there"),
        ("123:short", 0o600, "has not the form of a bot token"),
        (b"\xff\xfe\x00", 0o600, "has not the form of a bot token"),
        (token, 0o644, "is open to everyone on this machine"),
        (token, 0o620, "can be written by its group"),
    ):
        with subtests.test(expected), file(idle.token_file, content, mode):
            assert expected in await complaint(idle)


async def test_a_configuration_file_with_a_mistake_is_refused(
    idle: Server, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    for content, expected in (
        ("audience =", "is not TOML"),
        ("audiense = 'x'", "`audiense` is not a setting"),
        ("drain = 15", "`drain` must be a text in quotes"),
        ("bot_token = '4242424242:AAnotherNotherNotherNotherNotherNo'", "is a secret; name a file that holds it"),
    ):
        with subtests.test(expected), file(tmp_path / "chatkey.toml", content) as path:
            assert expected in await complaint(idle, config=path)


async def test_a_port_in_use_is_refused(idle: Server, subtests: pytest.Subtests) -> None:
    for setting in ("grpc_listen", "http_listen"):
        with subtests.test(setting), socket.create_server((MINE, 0)) as taken:
            address = f"{MINE}:{taken.getsockname()[1]}"
            assert f"can't listen on {address}" in await complaint(idle, **{setting: address})


async def test_what_is_not_a_healthy_database_is_refused(idle: Server, subtests: pytest.Subtests) -> None:
    data = Path(idle.settings["data_dir"])
    other = data / "other.db"
    with closing(apsw.Connection(str(data / "chatkey.db"), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        connection.execute("VACUUM INTO ?", (str(other),))  # whole, without a log beside it
    database = other.read_bytes()
    for content, expected in (
        (b"nonsense" * 1000, "is not a database"),
        (database[:4096] + b"\xff" * (len(database) - 4096), "is damaged"),
        (database[:60] + (99).to_bytes(4, "big") + database[64:], "has version 99"),
        (database[:68] + b"ABCD" + database[72:], "is a database of another program"),
    ):
        with subtests.test(expected), file(other, content):
            assert expected in await complaint(idle, database=f"sqlite:///{other}")


async def test_a_key_that_others_may_have_read_is_refused(idle: Server, subtests: pytest.Subtests) -> None:
    key = Path(idle.settings["data_dir"]) / "keys" / "issuer.pem"
    for content, mode, expected in (
        (key.read_bytes(), 0o644, "is open to others"),
        (key.read_bytes()[:40], 0o600, "restore it, or revoke chatkey-"),
        (b"", 0o600, "restore it, or revoke chatkey-"),
    ):
        with subtests.test(expected), file(key, content, mode):
            assert expected in await complaint(idle)


async def test_a_data_directory_that_is_no_directory_is_refused(idle: Server, tmp_path: Path) -> None:
    (tmp_path / "a-file").touch()
    for path in (tmp_path / "a-file", tmp_path / "a-file" / "data"):
        assert str(path) in await complaint(idle, data_dir=str(path))


async def test_a_data_directory_of_somebody_else_is_refused_and_left_alone(
    idle: Server, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    for path in (tmp_path, Path(idle.settings["data_dir"])):
        with subtests.test(path.name), owned_by_somebody_else(path) as strange:
            before = sorted(strange.iterdir())
            assert "belongs to user" in await complaint(idle, data_dir=str(strange))
            assert sorted(strange.iterdir()) == before


async def test_a_read_only_data_directory_is_refused(idle: Server, tmp_path: Path, subtests: pytest.Subtests) -> None:
    for path in (tmp_path, Path(idle.settings["data_dir"])):
        with subtests.test(path.name), read_only(path), prepared(idle, without_power_over_files):
            said = await complaint(idle, data_dir=str(path))
            assert str(path) in said
            assert "Permission denied" in said


async def test_a_full_data_directory_is_refused(idle: Server, tmp_path: Path, subtests: pytest.Subtests) -> None:
    for path in (tmp_path, Path(idle.settings["data_dir"])):
        with subtests.test(path.name), prepared(idle, without_room):
            said = await complaint(idle, data_dir=str(path))
            assert str(path) in said
            assert "make room" in said


async def test_a_second_server_on_the_same_data_is_refused_and_the_first_goes_on(idle: Server, tmp_path: Path) -> None:
    await idle.start()
    async with server(tmp_path / "second", idle.settings["bot_api_url"], log_level="INFO") as second:
        assert "is in use by another server: stop that one first" in await complaint(
            second, data_dir=idle.settings["data_dir"]
        )
    assert await idle.page("/healthz") == (200, "ok\n")
    assert await idle.waiting() == 3
    assert await idle.stop() == 0


def without_power_over_files() -> None:
    """Have the program meet file modes even if it runs as root: without CAP_DAC_OVERRIDE, see capabilities(7)."""
    if os.geteuid() == 0:
        for capability in (1, 2):
            if C.prctl(24, capability, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "PR_CAPBSET_DROP")


def without_room() -> None:
    """Have every write to a file fail, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
