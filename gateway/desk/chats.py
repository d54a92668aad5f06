"""What a caller may ask for of chats as such, at once: authorize, second factor, check, count, hand on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from gateway.access import grants
from gateway.access.buckets import Buckets
from gateway.clock import Clock
from gateway.desk import chat_checks
from gateway.desk.checks import Violation
from gateway.desk.rooms import LastUse, Registry
from gateway.errors import PermissionDenied, QuotaExceeded, RequestInvalid
from gateway.model import AnswerPress, Caller, Chat, ChatMember, Gesture, ModeratingAct, Permission, ShowAction
from gateway.moderation.moderation import Moderation
from gateway.moderation.rooms import Ask

ACTIONS_PER_MINUTE = 30
"""How often in a minute a client may show an action in one chat: each is seen for 5 seconds."""


class Chats:
    """The verbs of chats. Each raises, in this order:

    PermissionDenied: the chat is not the caller's, or not for this; nothing else was looked at.
    StateStale: it can't be told what was revoked, and something would be changed.
    StepUpRequired: the client needs a second factor to moderate, and the credential has none.
    RequestInvalid: the request is not sound.
    QuotaExceeded: the client has asked its share for now.
    GatewayError: as `gateway.moderation`.
    """

    def __init__(
        self, *, registry: Registry, last_use: LastUse, moderation: Moderation, clock: Clock, calls_per_minute: int = 0
    ) -> None:
        """Keep the rooms that the verbs hand on to; `calls_per_minute` is a client's share, 0 any number."""
        self._registry = registry
        self._last_use = last_use
        self._moderation = moderation
        self._clock = clock
        self._calls = _Share("chat_calls_per_minute", clock, calls_per_minute)
        self._actions = _Share("chat_actions_per_minute", clock, ACTIONS_PER_MINUTE)

    async def get_chat(
        self, caller: Caller, chat_id: int, wait: timedelta, malformed: Sequence[Violation] = ()
    ) -> Chat:
        """Return what a chat is.

        Args:
            caller: Who asks.
            chat_id: The chat.
            wait: How long the caller waits.
            malformed: What the door could not put into the rest; refused together with what else is wrong.
        """
        violations = [*malformed, *chat_checks.chat_violations(chat_id)]
        return await self._moderation.get_chat(self._begun(caller, Permission.READ, chat_id, wait, violations))

    async def get_chat_member(
        self, caller: Caller, chat_id: int, user_id: int, wait: timedelta, malformed: Sequence[Violation] = ()
    ) -> ChatMember:
        """Return how somebody stands in a chat; the other arguments are those of `get_chat`."""
        violations = [*malformed, *chat_checks.chat_violations(chat_id), *chat_checks.user_violations(user_id)]
        ask = self._begun(caller, Permission.READ, chat_id, wait, violations)
        return await self._moderation.get_member(ask, user_id)

    async def list_chat_administrators(
        self, caller: Caller, chat_id: int, wait: timedelta, malformed: Sequence[Violation] = ()
    ) -> Sequence[ChatMember]:
        """Return owner and administrators of a chat; the arguments are those of `get_chat`."""
        violations = [*malformed, *chat_checks.chat_violations(chat_id)]
        return await self._moderation.administrators(self._begun(caller, Permission.READ, chat_id, wait, violations))

    async def moderate(
        self, caller: Caller, act: ModeratingAct, wait: timedelta, malformed: Sequence[Violation] = ()
    ) -> None:
        """Do what moderates a chat, on record first; the other arguments are those of `get_chat`."""
        violations = [*malformed, *chat_checks.act_violations(act, self._clock.now())]
        await self._moderation.moderate(self._begun(caller, Permission.MODERATE, act.chat_id, wait, violations), act)

    async def gesture(self, caller: Caller, act: Gesture, wait: timedelta, malformed: Sequence[Violation] = ()) -> None:
        """Show an action, set a reaction or answer a press; the other arguments are those of `get_chat`."""
        violations = [*malformed, *chat_checks.act_violations(act, self._clock.now())]
        shows = isinstance(act, ShowAction)
        thread_id = act.message_thread_id if isinstance(act, ShowAction | AnswerPress) else 0
        ask = self._begun(caller, Permission.WRITE, act.chat_id, wait, violations, thread_id, shows=shows)
        await self._moderation.gesture(ask, act)

    def drain(self) -> None:
        """Let every call end soon."""
        self._moderation.end()

    def _begun(
        self,
        caller: Caller,
        needs: Permission,
        chat_id: int,
        wait: timedelta,
        violations: Iterable[Violation],
        message_thread_id: int = 0,
        *,
        shows: bool = False,
    ) -> Ask:
        still = self._right(caller, needs, chat_id, message_thread_id)
        # A chat that is missing is nobody's: the caller left out a field and reached for no other chat.
        if chat_id:
            still(chat_id)
        if needs is Permission.MODERATE:
            self._registry.require_second_factor(caller)
        if found := list(violations):
            raise RequestInvalid(found)
        if shows:
            self._actions.take(f"{caller.client} {chat_id}")
        self._calls.take(caller.client)
        self._last_use.accessed(chat_id, self._clock.now())
        return Ask(caller=caller, chat_id=chat_id, within=wait, still=still)

    def _right(self, caller: Caller, needs: Permission, chat_id: int, message_thread_id: int) -> Callable[[int], None]:
        """Return what refuses the caller if this is not its right, now or later; it takes the chat's present id."""

        def still(present_id: int) -> None:
            grants.require(self._registry.standing(caller), needs, chat_id, message_thread_id)
            if present_id != chat_id and self._registry.is_suspended(present_id):
                raise PermissionDenied("chat_suspended", chat_id=chat_id)
            if needs is not Permission.READ:
                self._registry.require_fresh()

        return still


class _Share:
    """How often each may do something in a minute."""

    def __init__(self, name: str, clock: Clock, per_minute: int) -> None:
        self._name = name
        self._per_minute = per_minute
        self._buckets = Buckets(clock, per_minute)

    def take(self, key: str) -> None:
        if wait := self._buckets.wait(key):
            raise QuotaExceeded(
                "The client has asked its share of Telegram for now.",
                retry_after=wait,
                quota=self._name,
                limit=str(self._per_minute),
            )
        self._buckets.take(key)
