"""The one place where an error becomes a status."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Never

import grpc

from gateway.errors import CallRefused, GatewayError
from gateway.model import Origin
from gateway.rpc import call as calls
from gateway.rpc.call import Call, Context
from gateway.rpc.handlers import Handle
from gateway.rpc.status import Answer, answer_to
from gateway.telemetry import logger

_log = logger(__name__)

Note = Callable[[GatewayError, Call, str], None]
"""Writes down that a call was refused, and the id that its caller was given."""
Turn = Callable[[Origin], Awaitable[None]]
"""Returns once a call from there that was refused may be answered."""


class Refusals:
    """Catches everything that a handler, or whoever looked at the headers before it, raises."""

    def __init__(self, *, note: Note, turn: Turn, served: Callable[[], None], new_id: Callable[[], str]) -> None:
        """Have refusals written into the audit log by `note`, each under an id of its own, and answered in `turn`.

        Args:
            served: Told of each call that was done for somebody who is known.
        """
        self._note = note
        self._turn = turn
        self._served = served
        self._new_id = new_id

    def around(self, handle: Handle) -> Handle:
        """Answer errors of a handler with a status."""

        async def refusing(requests: object, context: Context) -> bytes | None:
            call = calls.current()
            try:
                reply = await handle(requests, context)
            except (grpc.aio.AbortError, grpc.aio.InternalError):
                raise  # a status is sent already, or the transport is gone
            except Exception as error:  # noqa: BLE001 - the only place that may: it answers every one
                return await self._refuse(error, call, context)
            context.set_trailing_metadata((("x-request-id", call.id),))
            if call.caller or call.operator:
                self._served()
            return reply

        return refusing

    async def _refuse(self, error: Exception, call: Call, context: Context) -> Never:
        answer, call.error_id = self.answer(error, call)
        call.code, call.reason = answer.code, answer.reason
        if isinstance(error, CallRefused):
            # It is on record by now: whoever goes away meanwhile leaves no less behind.
            await self._turn(call.origin)
        names = (("chatkey-error-id", call.error_id), ("x-request-id", call.id))
        try:
            await context.abort(answer.code, answer.text, (*answer.trailers, *names))
        except grpc.aio.AbortError as done:
            # The call keeps this exception, whose tracebacks hold the call: until the collector comes by, thousands of
            # them would be left in a flood, each with gRPC's part of it. Once gRPC has caught it, nobody asks for them.
            error.__traceback__ = None
            asyncio.get_running_loop().call_soon(done.with_traceback, None)
            raise

    def answer(self, error: Exception, call: Call) -> tuple[Answer, str]:
        """Return what an error is to its caller, and the id under which more of it is written down, which it is.

        For the call as a whole, or for one of its many requests.
        """
        error_id = ""
        try:
            error_id = self._new_id()
            if not isinstance(error, GatewayError):
                _log.error("grpc.bug", exc_info=error, method=call.known_method, error_id=error_id)
            elif error.is_refusal:
                self._note(error, call, error_id)
            return answer_to(error), error_id
        except Exception as bug:  # noqa: BLE001 - a refusal that fails is a bug of ours and no text for callers
            _log.error("grpc.bug", exc_info=bug, method=call.known_method, error_id=error_id)
            return answer_to(bug), error_id
