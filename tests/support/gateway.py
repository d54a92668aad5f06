"""The whole gateway in this process, with the sandbox as Telegram; nothing of what it shows may hold a secret."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp

from chatkey import Client
from gateway.access.issue import Issuer
from gateway.access.key_file import issuer_key
from gateway.app import App, running
from gateway.clock import SystemClock
from gateway.config import Config, Secret
from gateway.model import Permission
from gateway.sandbox import Sandbox
from gateway.sandbox import running as sandbox_running
from tests.support import canary


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that serves.

    Attributes:
        app: The gateway.
        config: What it was started with.
        telegram: The sandbox that it sends to.
    """

    app: App
    config: Config
    telegram: Sandbox

    @property
    def address(self) -> str:
        """Where its gRPC door is."""
        return f"127.0.0.1:{self.app.grpc_port}"

    def token(self, chat_id: int, client: str = "svc:test", *permissions: Permission, ttl: int = 3600) -> str:
        """Issue a token, and look for it in every output from now on."""
        return issue(self.config, chat_id, client, *permissions, ttl=ttl)

    def client(self, chat_id: int, client: str = "svc:test") -> Client:
        """Return the Python client with a token for a chat."""
        return Client(self.address, token=self.token(chat_id, client))


def issue(config: Config, chat_id: int, client: str, *permissions: Permission, ttl: int = 3600) -> str:
    """Issue a token as `chatkey token issue` does, and look for it in every output from now on."""
    issuer = Issuer(
        issuer_key(config.data_dir),
        issuer=config.issuer,
        audience=config.audience,
        clock=SystemClock(),
        random_bytes=secrets.token_bytes,
    )
    issued = issuer.issue(
        client=client,
        chat_id=chat_id,
        permissions=frozenset(permissions) or frozenset({Permission.WRITE}),
        ttl=timedelta(seconds=ttl),
    )
    return canary.watch(issued.token)


@asynccontextmanager
async def gateway(data_dir: Path, telegram: Sandbox | None = None, **settings: object) -> AsyncIterator[Gateway]:
    """Run sandbox and gateway; at the end look through pages, messages' log and database for a secret.

    Args:
        data_dir: The gateway's data directory.
        telegram: The sandbox; None: one without limits, with the chats -1001 and -1002.
        settings: Fields of `Config` that differ from a test's usual ones.
    """
    if telegram is None:
        telegram = Sandbox(limits="none")
        telegram.add_chat(-1001, type="supergroup", title="Ops")
        telegram.add_chat(-1002, type="supergroup", title="Finance")
    async with sandbox_running(telegram) as url:
        usual: dict[str, object] = {
            "bot_token": Secret(canary.BOT_TOKEN),
            "bot_api_url": url,
            "data_dir": data_dir,
            "grpc_listen": "127.0.0.1:0",
            "http_listen": "127.0.0.1:0",
            "pacing": "off",
            "drain": timedelta(seconds=5),
        }
        config = Config(**(usual | settings))  # type: ignore[arg-type]
        async with running(config) as app:
            yield Gateway(app, config, telegram)
            await _shows_no_secret(app, url)
    _holds_no_secret(data_dir)


async def _shows_no_secret(app: App, sandbox_url: str) -> None:
    door = f"http://127.0.0.1:{app.http_port}"
    async with aiohttp.ClientSession() as http:
        for page in (
            *(f"{door}/{name}" for name in ("healthz", "readyz", "metrics", ".well-known/jwks.json")),
            *(f"{sandbox_url}/{name}" for name in ("", "sandbox/log", "sandbox/chats")),
        ):
            async with http.get(page) as answer:
                assert not canary.found_in(await answer.read()), f"{page} shows a secret"


def _holds_no_secret(data_dir: Path) -> None:
    for path in data_dir.rglob("*"):
        if path.is_file():
            assert not canary.found_in(path.read_bytes()), f"{path.name} holds a secret"
