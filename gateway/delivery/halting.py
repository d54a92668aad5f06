"""When attempts may begin at all: not while Telegram refuses the bot, nor while nobody can tell what may leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from gateway.delivery.bot import Bot
from gateway.delivery.courier import report
from gateway.delivery.schedule import Schedule
from gateway.store.leases import Deposed
from gateway.telegram.failures import BotFailure

BOT_PAUSE = 2.0
"""Seconds until a bot that Telegram refused is tried again."""


class Halting:
    """Runs the room's own work, and halts and resumes its attempts.

    Attributes:
        schedule: What waits, and when it is its turn.
        bot_ok: Whether Telegram takes the bot token, as far as is known.
    """

    def __init__(self, schedule: Schedule, bot: Bot, on_bot_state: Callable[[bool], None]) -> None:
        """Halt `schedule`; `on_bot_state` is told what becomes of `bot_ok`."""
        self.schedule = schedule
        self.bot_ok = True
        self._bot = bot
        self._on_bot_state = on_bot_state
        self._is_held = False
        self._closing = asyncio.Event()
        self._tasks: set[asyncio.Task[object]] = set()

    @property
    def is_closing(self) -> bool:
        """Whether `drain` was called."""
        return self._closing.is_set()

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Run work that `drain` waits for, and that nobody's hanging up ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, Deposed):
            report("delivery stumbled", error)

    def bot_refused(self) -> None:
        """Say that Telegram refuses the bot token: nothing is attempted until it takes one again."""
        if self.bot_ok:
            self._tell_bot_state(False)
            self.spawn(self._restore_bot())

    def hold(self, held: bool) -> None:
        """Begin no attempt for now, or begin them again: for whoever says what may leave and can't tell."""
        self._is_held = held
        self._halt_or_go_on()

    async def _restore_bot(self) -> None:
        """Ask until Telegram takes the token, which may be replaced meanwhile, then go on."""
        while not self.bot_ok:
            try:
                async with asyncio.timeout(BOT_PAUSE):
                    await self._closing.wait()
                return
            except TimeoutError:
                pass
            try:
                await self._bot.identify()
            except BotFailure:
                continue
            self._tell_bot_state(True)

    def _tell_bot_state(self, bot_ok: bool) -> None:
        self.bot_ok = bot_ok
        self._halt_or_go_on()
        self._on_bot_state(bot_ok)

    def _halt_or_go_on(self) -> None:
        self.schedule.is_halted = self._is_held or not self.bot_ok
        self.schedule.go_on()
