"""python-telegram-bot's way to the network: aiohttp, the real token on the wire only, failures by what was written."""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Callable, Mapping
from datetime import timedelta
from secrets import token_hex

from aiohttp import ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp_socks import ProxyConnector
from telegram.error import TelegramError
from telegram.request import BaseRequest, RequestData

from gateway.telegram.answers import Answer, failure_from
from gateway.telegram.body import Body, body_of, json_of
from gateway.telegram.failures import BotFailure, BotRefused, NotSent, Unanswered
from gateway.telegram.token import BotToken
from gateway.telegram.wire import PLACEHOLDER, Call, SigningRequest

_MAX_ANSWER = 4 * 1024 * 1024
"""Bytes; what the Bot API server caps its longest answer at, that of getUpdates."""

_KEEPALIVE_S = 15.0
"""Shorter than a server's patience, so that a request is seldom written to a connection which is just being closed."""


class Failed(TelegramError):
    """Carries a failure through python-telegram-bot, which lets its own kind pass untouched."""

    def __init__(self, failure: BotFailure) -> None:
        """Keep the failure; python-telegram-bot's text stays empty."""
        super().__init__("")
        self.failure = failure


class Transport(BaseRequest):
    """Sends the requests of a `telegram.Bot` that was built with a placeholder for its token."""

    def __init__(
        self,
        read_token: Callable[[], BotToken],
        *,
        base_url: str,
        proxy: str | None = None,
        tls: ssl.SSLContext | None = None,
        connections: int,
        connect_timeout: timedelta,
        answer_timeout: timedelta,
    ) -> None:
        """Take checked addresses; nothing is opened before `initialize`.

        Args:
            read_token: Asked once for each request.
            base_url: As `address.checked_base_url` returns it.
            proxy: As `address.checked_proxy` returns it.
            tls: How the server is verified; by the machine's certificate authorities where it is None.
            connections: How many requests are under way at once; more wait, no longer than `connect_timeout`.
            connect_timeout: For a free connection, name resolution, connecting and TLS together.
            answer_timeout: For a whole request.
        """
        self._read_token = read_token
        self._base_url = base_url
        self._proxy = proxy
        self._tls: ssl.SSLContext | bool = tls or True
        self._connections = connections
        self._timeout = ClientTimeout(
            total=answer_timeout.total_seconds(),
            connect=connect_timeout.total_seconds(),
            sock_connect=connect_timeout.total_seconds(),
        )
        self._session: ClientSession | None = None
        self._in_flight: set[Call] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def read_timeout(self) -> float | None:
        """Return the seconds that a request may take."""
        return self._timeout.total

    async def initialize(self) -> None:
        """Open the pool; connections are made when they are needed."""
        if self._session is not None:
            return
        self._session = ClientSession(
            connector=self._connector(),
            timeout=self._timeout,
            headers={"User-Agent": "chatkey", "Accept-Encoding": "identity"},
            auto_decompress=False,
            cookie_jar=DummyCookieJar(),
            request_class=SigningRequest,
            trust_env=False,
        )

    async def shutdown(self) -> None:
        """Take no more requests, let those under way end (`answer_timeout` bounds that), and close the pool."""
        session, self._session = self._session, None
        if session is None:
            return
        try:
            await self._idle.wait()
        finally:
            await session.close()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: object = None,
        write_timeout: object = None,
        connect_timeout: object = None,
        pool_timeout: object = None,
    ) -> tuple[int, bytes]:
        """Send a request of python-telegram-bot; the method is always POST, the timeouts those of this transport.

        Raises:
            Failed: With the `BotFailure` in it.
        """
        # 128 bits of chance: nobody can write a text that has them in it.
        answer = await self._call(url.rpartition("/")[2], body_of(request_data, lambda: token_hex(16)))
        return answer.status, answer.payload

    async def call(self, name: str, parameters: Mapping[str, object]) -> Answer:
        """Call a method of the Bot API and return the answer that carries its result.

        A call that was refused with a token which was replaced meanwhile is repeated with the new one.

        Raises:
            Failed: With the `BotFailure` in it.
        """
        return await self._call(name, json_of(parameters))

    async def _call(self, name: str, body: Body) -> Answer:
        outcome = await self._exchange(name, body)
        if isinstance(outcome, BotRefused) and outcome.token_version != self._read_token().version:
            outcome = await self._exchange(name, body)
        if isinstance(outcome, BotFailure):
            raise Failed(outcome)
        if isinstance(outcome, asyncio.CancelledError):
            raise outcome
        return outcome

    async def _exchange(self, name: str, body: Body) -> Answer | BotFailure | asyncio.CancelledError:
        """Make one exchange; whatever went wrong is returned, not raised.

        The frames below hold the token, and an exception would carry them to whoever logs it with its locals.
        """
        if self._session is None:
            return NotSent("the connection to Telegram is closed")
        call = Call(body, self._read_token)
        self._in_flight.add(call)
        self._idle.clear()
        try:
            return await self._post(self._session, name, call)
        except asyncio.CancelledError as cancelled:
            return asyncio.CancelledError(*cancelled.args)
        except Exception as error:  # noqa: BLE001 - aiohttp, aiohttp-socks, ssl and the sockets share no other base
            return Unanswered(_cause(error)) if call.written else NotSent(_cause(error))
        finally:
            self._in_flight.discard(call)
            if not self._in_flight:
                self._idle.set()

    async def _post(self, session: ClientSession, name: str, call: Call) -> Answer | BotFailure:
        url = f"{self._base_url}/bot{PLACEHOLDER}/{name}"
        async with session.post(url, data=call, allow_redirects=False) as response:
            payload = await _read(response)
            if payload is None:
                return Unanswered(f"the answer is longer than {_MAX_ANSWER} bytes")
            answer = Answer(status=response.status, payload=payload, retry_after=response.headers.get("Retry-After"))
        return failure_from(answer, call.token or self._read_token()) or answer

    def _connector(self) -> TCPConnector:
        if self._proxy is None:
            return TCPConnector(limit=self._connections, keepalive_timeout=_KEEPALIVE_S, ssl=self._tls)
        return ProxyConnector.from_url(
            self._proxy, limit=self._connections, keepalive_timeout=_KEEPALIVE_S, ssl=self._tls
        )


async def _read(response: ClientResponse) -> bytes | None:
    """Return the body, or None where it is longer than any answer may be."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > _MAX_ANSWER:
            response.close()
            return None
    return b"".join(chunks)


def _cause(error: Exception) -> str:
    """Name what went wrong by type and number; the text of an error may have an address or a password in it."""
    number = error.errno if isinstance(error, OSError) else None
    symbol = errno.errorcode.get(number) if number is not None else None
    return f"{type(error).__name__} ({symbol})" if symbol else type(error).__name__
