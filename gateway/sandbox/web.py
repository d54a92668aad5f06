"""The HTTP server: paths to the Bot API, file downloads, the control API and the page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from urllib.parse import parse_qsl, unquote

import orjson
from aiohttp import hdrs, web

from .api import answer, open_entry, refused_answer
from .bots import bot_id_of
from .control import BadControl, control
from .errors import Refusal, not_found, refusal, too_large, unauthorized
from .multipart import boundary_of, read_multipart
from .parameters import PARAMETERS_LIMIT, Parameters
from .sandbox import Sandbox
from .wire import reset, transmit

BODY_LIMIT = 64 << 20
"""Bytes of one request body; more is answered 413. The largest upload is 50 MB."""

_CHUNK = 1 << 16
_HEADERS_LIMIT = 1 << 18
_CONTROL_LIMIT = 1 << 20
_GRACE_SECONDS = 0.1


class Door:
    """Handles every request to one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._page = resources.files(__package__).joinpath("page.html").read_bytes()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        path, _, query = request.raw_path.partition("#")[0].partition("?")
        if "%" in path:
            path = unquote(path, errors="surrogateescape")
        try:
            if path.startswith("/bot"):
                return await self._bot_api(request, path, query)
            if path.startswith("/sandbox/"):
                return await self._control(request, path, query)
            if path == "/" and request.method == hdrs.METH_GET:
                return _page_response(self._page)
            if path.startswith("/file/bot"):
                return self._download(path)
            raise not_found() if path.startswith("/") else not_found("absolute URI is specified in the Request-Line")
        except Refusal as refused:
            return await transmit(request, refused_answer(refused))

    async def _bot_api(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse:
        if request.method not in (hdrs.METH_POST, hdrs.METH_GET):
            raise Refusal(501, "Not Implemented")
        token, slash, method = path[len("/bot") :].partition("/")
        if not slash:
            raise not_found()
        method = method.removeprefix("test/").lower()
        parameters = Parameters()
        if query:
            parameters.add_urlencoded(query)
        faults = self._sandbox.faults
        if faults and (fault := faults.strike(method, None, before_body=True)):
            entry = open_entry(self._sandbox, token, method, parameters)
            entry.fault, entry.outcome = fault.kind, "connection reset"
            return reset(request)
        if request.can_read_body:
            await _read_body(request, parameters)
        return await transmit(
            request,
            await answer(self._sandbox, token, method or parameters.text("method").lower(), parameters),
        )

    def _download(self, path: str) -> web.StreamResponse:
        token, _, place = path[len("/file/bot") :].partition("/")
        bot_id = bot_id_of(token)
        if token in self._sandbox.revoked:
            raise unauthorized()
        stored = self._sandbox.files.at_path(bot_id, place)
        if stored is None:
            raise not_found()
        return web.Response(body=stored.content, content_type="application/octet-stream")

    async def _control(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse:
        pairs = dict(parse_qsl(query, keep_blank_values=True))
        try:
            body = await _read(request, _CONTROL_LIMIT)
            status, result = 200, control(self._sandbox, request.method, path, pairs, body)
        except BadControl as problem:
            status, result = 400, {"error": str(problem)}
        return web.Response(status=status, body=orjson.dumps(result), content_type="application/json")


async def _read_body(request: web.BaseRequest, parameters: Parameters) -> None:
    content_type = request.headers.get(hdrs.CONTENT_TYPE, "")
    kind = content_type.lower()
    if "multipart/form-data" in kind:
        boundary = boundary_of(content_type)
        read_multipart(parameters, boundary, await _read(request, BODY_LIMIT))
    elif "application/x-www-form-urlencoded" in kind:
        body = await _read(request, PARAMETERS_LIMIT, "too much parameters")
        parameters.add_urlencoded(body.decode(errors="surrogateescape"))
    elif "application/json" in kind:
        parameters.add_json(await _read(request, PARAMETERS_LIMIT, "too much parameters"))
    else:
        # A body of any other type is read and ignored, as the server does.
        await _read(request, BODY_LIMIT)


async def _read(request: web.BaseRequest, limit: int, detail: str = "") -> bytes:
    length = request.content_length
    if length is not None and length > limit:
        raise too_large(detail or f"content length is {length}")
    body = bytearray()
    try:
        while chunk := await request.content.readany():
            body += chunk
            if len(body) > limit:
                raise too_large(detail)
    except web.RequestPayloadError as problem:
        raise refusal(400, "can't read the body") from problem
    return bytes(body)


def _page_response(page: bytes) -> web.Response:
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(body=page, content_type="text/html", charset="utf-8", headers=headers)


@asynccontextmanager
async def running(sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve a sandbox over HTTP and yield its base URL, such as `http://127.0.0.1:41234`.

    The Bot API's base is `<url>/bot`, that of downloads `<url>/file/bot`. Port 0 takes a free one; a port in use
    raises `OSError`. Leaving ends at once, long polls included.
    """
    handle = Door(sandbox).handle
    server = web.Server(handle, access_log=None, max_line_size=_HEADERS_LIMIT, max_field_size=_HEADERS_LIMIT)
    runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=_GRACE_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound_host, bound_port = runner.addresses[0][:2]
        shown = f"[{bound_host}]" if ":" in bound_host else bound_host
        yield f"http://{shown}:{bound_port}"
    finally:
        sandbox.close()
        await runner.cleanup()


async def serve_forever(sandbox: Sandbox, host: str, port: int) -> None:
    """Serve until cancelled."""
    async with running(sandbox, host, port):
        await asyncio.Event().wait()
