"""Where python-telegram-bot's exceptions end."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from gateway.telegram.failures import Unanswered
from gateway.telegram.transport import Failed

_Result = TypeVar("_Result")


async def result_of(call: Awaitable[_Result]) -> _Result:
    """Return what a call returns, or raise the `BotFailure` that it met."""
    try:
        return await call
    except Failed as failed:
        failure = failed.failure
    except Exception as error:  # noqa: BLE001 - whatever the library stumbles over in an answer, the request was made
        failure = Unanswered(f"the answer can't be read: {type(error).__name__}")
    # Outside of the `except`, so that nothing of the library's own exception travels along as its context.
    raise failure
