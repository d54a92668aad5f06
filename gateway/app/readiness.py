"""Whether the gateway can do its work, told to everybody who asks."""

from __future__ import annotations

from collections.abc import Callable

from gateway.delivery.dispatcher import Dispatcher
from gateway.rpc.server import Door
from gateway.telemetry import logger

_log = logger(__name__)


class Readiness:
    """Tells operators, load balancers and the dispatcher whether messages can be taken and delivered.

    Attributes:
        note: Says what else is wrong, and keeps no message back.
    """

    def __init__(self) -> None:
        self._bot_ok = self._is_fresh = self._is_logged = True
        self._is_stopping = False
        self._dispatcher: Dispatcher | None = None
        self._door: Door | None = None
        self.note: Callable[[], str | None] = lambda: None

    def begin(self, dispatcher: Dispatcher, door: Door) -> None:
        """Tell these from now on."""
        self._dispatcher, self._door = dispatcher, door
        self._tell()

    def end(self) -> None:
        """Say from now on that the gateway is stopping."""
        self._is_stopping = True

    def why_not(self) -> str | None:
        """Say why no message can be taken or delivered now, in one line; None: they can."""
        if self._is_stopping:
            return "The gateway is stopping."
        if self._door is None:
            return "The gateway is starting."
        if not self._is_fresh:
            return "It can't be told what was revoked."
        if not self._is_logged:
            return "The audit log can't be written."
        return None if self._bot_ok else "Telegram refuses the bot token."

    def tell_registry(self, is_fresh: bool) -> None:
        """Take note of whether it can be told what was revoked."""
        self._is_fresh = is_fresh
        self._tell()

    def tell_log(self, is_written: bool) -> None:
        """Take note of whether the audit log can be written: without it nothing is taken."""
        self._is_logged = is_written
        self._tell()

    def _tell(self) -> None:
        if self._dispatcher and self._door:
            self._dispatcher.hold(not self._is_fresh)
            self._door.set_serving(self.why_not() is None)

    def tell_bot(self, bot_ok: bool) -> None:
        """Take note of whether Telegram takes the bot token."""
        self._bot_ok = bot_ok
        self._tell()
        if bot_ok:
            _log.info("bot.accepted", meaning="Telegram takes the bot token again; delivery goes on.")
        else:
            _log.error(
                "bot.refused",
                meaning="Telegram refuses the bot token. Messages are kept; put the right token into the token file.",
            )
