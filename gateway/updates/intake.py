"""Keeps what Telegram tells. Whoever confirms it to Telegram does so when `take` has returned, and not before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from gateway.clock import Clock
from gateway.model import Update
from gateway.store.updates import UpdateStore
from gateway.telemetry import logger
from gateway.updates.counts import Counts
from gateway.updates.reading import Dropped, chat_of, update_from, update_id_of

_log = logger(__name__)


class Intake:
    """Puts updates on durable storage, each once.

    Attributes:
        counts: What came, and what became of it.
    """

    def __init__(
        self,
        store: UpdateStore,
        clock: Clock,
        *,
        on_kept: Callable[[Sequence[Update]], None],
        is_wanted: Callable[[int], bool] = lambda _chat_id: True,
        on_chat: Callable[[Mapping[str, Any], int], None] = lambda _chat, _chat_id: None,
    ) -> None:
        """Keep in `store`.

        Args:
            on_kept: Told of new updates once they are durable; it neither waits nor fails.
            is_wanted: Whether what happens in a chat is kept.
            on_chat: Told of the chat of each update, as Telegram describes it, kept or not; likewise.
        """
        self._store = store
        self._clock = clock
        self._on_kept = on_kept
        self._is_wanted = is_wanted
        self._on_chat = on_chat
        self.counts = Counts()

    async def take(self, raw: Sequence[object]) -> None:
        """Keep updates as Telegram gave them, in one commit; what can't be read, or is nobody's, is dropped.

        Raises:
            NotDurable: The storage failed, and none of them is kept: do not confirm them.
        """
        now = self._clock.now()
        read = [self._read(each, now) for each in raw]
        updates = [each for each in read if isinstance(each, Update)]
        kept = await self._store.add(updates) if updates else ()
        for each, outcome in zip(raw, read, strict=True):
            if not isinstance(outcome, Update):
                self._drop(each, outcome)
        self.counts.received += len(raw)
        self.counts.kept += len(kept)
        self.counts.repeated += len(updates) - len(kept)
        if kept:
            self._on_kept(kept)

    def _read(self, raw: object, now: datetime) -> Update | str:
        """Return the update, or why it is dropped."""
        try:
            update = update_from(raw, now)
            self._on_chat(chat_of(update, raw), update.chat_id)
        except Dropped as dropped:
            return str(dropped)
        except Exception as bug:  # noqa: BLE001 - one that is not confirmed would keep back all that follow, for ever
            _log.error("update.stumbled", update_id=update_id_of(raw), error=type(bug).__name__)
            return "malformed"
        if not self._is_wanted(update.chat_id):
            return "unwanted_chat"
        self._note_lag(raw, update, now)
        return update

    def _drop(self, raw: object, why: str) -> None:
        self.counts.dropped[why] += 1
        if why in ("malformed", "too_large"):
            # By its id only: what people write does not belong in a log.
            _log.warning("update.dropped", update_id=update_id_of(raw), why=why)

    def _note_lag(self, raw: object, update: Update, now: datetime) -> None:
        content = raw.get(update.kind.value) if isinstance(raw, Mapping) else None
        date = content.get("edit_date", content.get("date")) if isinstance(content, Mapping) else None
        if type(date) is int:
            self.counts.lag_seconds = max(0.0, now.timestamp() - date)
