"""What a caller may ask for of what happens in its chats: to be told of it, and to answer a press on a button."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta

from gateway.access import grants
from gateway.desk.chats import Chats
from gateway.desk.checks import Violation
from gateway.desk.rooms import Lane, Registry, Updates
from gateway.desk.stay import Stay
from gateway.errors import MethodUnknown, PermissionDenied, RequestInvalid, ResourceNotFound
from gateway.model import AnswerPress, Caller, Grant, Permission, Update, UpdateKind

MAX_NOTICE = 200  # https://core.telegram.org/bots/api#answercallbackquery
_CALLBACK_ID = re.compile(r"[!-~]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """What of its chats a caller wants to be told.

    Attributes:
        cursor: Where to go on; empty: with what happens from now on.
        from_oldest: Whether to begin with the oldest that is kept, instead of now.
        chat_ids: Only these; empty: all that the credential opens for reading.
        kinds: Only these; empty: all.
        malformed: What the door could not put into the rest.
    """

    cursor: str = ""
    from_oldest: bool = False
    chat_ids: Collection[int] = ()
    kinds: Collection[UpdateKind] = ()
    malformed: Sequence[Violation] = ()


class Inbound:
    """The verbs of updates."""

    def __init__(
        self, *, registry: Registry, updates: Updates | None, chats: Chats, lane: Lane, stay: Stay[Caller]
    ) -> None:
        """Keep what the verbs hand on to; without `updates` the gateway takes none."""
        self._registry = registry
        self._updates = updates
        self._chats = chats
        self._lane = lane
        self._stay = stay

    async def stream_updates(
        self, caller: Caller, following: Following
    ) -> AsyncGenerator[tuple[Update | None, str], None]:
        """Yield what happens in the chats that the caller may read, with the cursor that goes on after it.

        Without a cursor, one comes first that goes on after what has happened so far, and no update with it.

        Raises:
            PermissionDenied: a chat that is asked for is not the caller's to read; or one that it is told of is not any
                more, noticed within the time of a recheck.
            CallRefused: the caller's credential ended meanwhile.
            MethodUnknown: the gateway takes no updates.
            RequestInvalid: what is asked for is not sound.
            QuotaExceeded: the client has its share of open streams.
            CursorExpired: something behind the cursor is forgotten.
            ShuttingDown: the gateway stops.
        """
        caller = _reading(caller, following.chat_ids)
        updates = _taken(self._updates)
        if violations := [*following.malformed, *_beginnings(following)]:
            raise RequestInvalid(violations)
        cursor = following.cursor
        if not cursor:
            cursor = await (updates.oldest() if following.from_oldest else updates.latest())
            yield None, cursor
        news = updates.watch(caller, following.kinds, cursor)
        async with aclosing(self._stay.following(caller, news, lambda: self._require_all(caller))) as followed:
            async for update in followed:
                yield update

    async def answer_callback(self, caller: Caller, answer: AnswerPress, within: timedelta) -> None:
        """Tell Telegram how a press on a button is answered, at once; to do it again does no harm.

        Args:
            within: How long that may take.

        Raises:
            PermissionDenied: the caller may write nowhere.
            MethodUnknown: the gateway takes no updates.
            RequestInvalid: the answer is not sound.
            ResourceNotFound: it is no press in a place where the caller may write, as far as is known.
            CallbackExpired: Telegram takes no answer to it any more.
            GatewayError: as `Chats.gesture`.
        """
        caller = grants.allowing(caller, Permission.WRITE)
        updates = _taken(self._updates)
        if violations := _unsound(answer):
            raise RequestInvalid(violations)
        press = await updates.pressed(answer.callback_id)
        if press is None or not _may_answer(caller, press):
            raise ResourceNotFound("there is no such press on a button")
        placed = replace(answer, chat_id=press.chat_id, message_thread_id=press.message_thread_id or 0)
        await self._chats.gesture(caller, placed, within)

    def _require_all(self, caller: Caller) -> None:
        standing = self._registry.standing(caller)
        for grant in caller.grants:
            _require_readable(standing, grant)
        self._lane.served()


def _reading(caller: Caller, chat_ids: Collection[int]) -> Caller:
    """Return the caller with its grants for reading these chats; all of them, if none is named."""
    if not chat_ids:
        return grants.allowing(caller, Permission.READ)
    asked = tuple(grants.grant_of(caller, chat_id) for chat_id in dict.fromkeys(chat_ids))
    for grant in asked:
        _require_readable(caller, grant)
    return replace(caller, grants=asked)


def _require_readable(caller: Caller, grant: Grant) -> None:
    # Whoever may read one topic only is told of that one.
    grants.require(caller, Permission.READ, grant.chat_id, grant.message_thread_id or 0)


def _taken(updates: Updates | None) -> Updates:
    if updates is None:
        raise MethodUnknown("this gateway takes no updates: set CHATKEY_UPDATES")
    return updates


def _beginnings(following: Following) -> Sequence[Violation]:
    if following.cursor and following.from_oldest:
        return [("from_oldest", "says where to begin, and so does cursor: leave out one of them")]
    return []


def _unsound(answer: AnswerPress) -> Sequence[Violation]:
    violations = []
    if not _CALLBACK_ID.fullmatch(answer.callback_id):
        violations.append(("callback_id", "is the id of a CallbackQuery: 1 to 64 characters"))
    if len(answer.text) > MAX_NOTICE:
        violations.append(("text", f"has {len(answer.text)} characters, at most {MAX_NOTICE}"))
    return violations


def _may_answer(caller: Caller, press: Update) -> bool:
    try:
        grants.require(caller, Permission.WRITE, press.chat_id, press.message_thread_id or 0)
    except PermissionDenied:
        return False
    return True
