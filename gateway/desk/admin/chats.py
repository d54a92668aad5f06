"""Chats: authorized, suspended, discovered, moved."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gateway.access.administration import Administration
from gateway.access.soundness import require_chat, require_title
from gateway.clock import Clock
from gateway.delivery.chats import approved, opened
from gateway.desk.admin.entrance import Entrance
from gateway.desk.admin.functions import Ask, Function
from gateway.desk.admin.pages import Page
from gateway.desk.admin.rooms import Discover, SeenChat
from gateway.errors import ResourceNotFound
from gateway.model import Permission
from gateway.store.chats import ChatStore, Closure, Move
from gateway.store.registry import RegistryStore, StoredChat


class Chats:
    """The verbs of chats."""

    def __init__(
        self, entrance: Entrance, store: RegistryStore, moved: ChatStore, clock: Clock, *, discover: Discover
    ) -> None:
        """Keep the rooms; `moved` has what delivery learned of chats."""
        self._entrance = entrance
        self._store = store
        self._moved = moved
        self._clock = clock
        self._discover = discover

    async def list(self, ask: Ask, states: Collection[str], page: Page) -> tuple[Sequence[StoredChat], str]:
        """Return a page of the chats that were authorized or suspended, by id, and the token of the next page.

        Args:
            ask: Who asks.
            states: Those in one of these; empty: in any.
            page: Which page.
        """
        await self._entrance.begin(ask, Function.LIST_CHATS)
        chats = [chat for chat in await self._store.chats() if not states or state_of(chat) in states]
        return page.of(chats, lambda chat: str(chat.chat_id), sorted(states))

    async def discovered(self, ask: Ask) -> Sequence[SeenChat]:
        """Return the chats in which the bot saw something lately; raises `TelegramUnavailable`."""
        await self._entrance.begin(ask, Function.DISCOVER_CHATS)
        return await self._discover()

    async def authorize(
        self, ask: Ask, chat_id: int, permissions: Collection[Permission], title: str | None
    ) -> StoredChat:
        """Let tokens open a chat, for these permissions (none named: for all); as `Administration.authorize_chat`."""

        def check() -> None:
            require_chat(chat_id)
            require_title(title)

        by = await self._entrance.begin(ask, Function.AUTHORIZE_CHAT, check)
        return await self._administration(ask, by).authorize_chat(chat_id, permissions or frozenset(Permission), title)

    async def suspend(self, ask: Ask, chat_id: int) -> StoredChat:
        """Refuse every token in a chat; as `Administration.suspend_chat`."""
        by = await self._entrance.begin(ask, Function.SUSPEND_CHAT, lambda: require_chat(chat_id))
        return await self._administration(ask, by).suspend_chat(chat_id)

    async def resume(self, ask: Ask, chat_id: int) -> StoredChat:
        """Take back that a chat was suspended; as `Administration.resume_chat`."""
        by = await self._entrance.begin(ask, Function.RESUME_CHAT, lambda: require_chat(chat_id))
        return await self._administration(ask, by).resume_chat(chat_id)

    async def migrations(self, ask: Ask, page: Page, *, waiting_only: bool) -> tuple[Sequence[Move], str]:
        """Return a page of the groups that became supergroups, and the token of the next page."""
        await self._entrance.begin(ask, Function.LIST_MIGRATIONS)
        return page.of(await self._moves(waiting_only=waiting_only), lambda move: str(move.chat_id), waiting_only)

    async def approve_migration(self, ask: Ask, chat_id: int) -> Move:
        """Have what is for a group go to the supergroup that it became; raises `ResourceNotFound` if none waits."""
        by = await self._entrance.begin(ask, Function.APPROVE_MIGRATION, lambda: require_chat(chat_id))
        move = await self._moved.approve_move(chat_id, approved(chat_id, by, self._clock.now()))
        if move is None:
            raise ResourceNotFound("no migration of this chat waits for an approval")
        return move

    async def closed(self, ask: Ask, page: Page) -> tuple[Sequence[Closure], str]:
        """Return a page of the chats that refused the bot, and the token of the next page."""
        await self._entrance.begin(ask, Function.LIST_CLOSED_CHATS)
        states = await self._moved.chat_states()
        closures = states.closures if states is not None else ()
        return page.of(closures, lambda closure: str(closure.chat_id))

    async def reopen(self, ask: Ask, chat_id: int) -> int:
        """Write to a chat again that refused the bot, and return its present id; raises `ResourceNotFound`."""
        by = await self._entrance.begin(ask, Function.REOPEN_CHAT, lambda: require_chat(chat_id))
        moves = {move.chat_id: move.new_chat_id for move in await self._moves(waiting_only=False) if move.approved}
        present_id = moves.get(chat_id, chat_id)
        record = opened(present_id, "operator", self._clock.now(), by=by)
        if not await self._moved.open_chat(present_id, record):
            raise ResourceNotFound("this chat is not closed")
        return present_id

    async def _moves(self, *, waiting_only: bool) -> Sequence[Move]:
        states = await self._moved.chat_states()
        moves = states.moves if states is not None else ()
        return [move for move in moves if not (waiting_only and move.approved)]

    def _administration(self, ask: Ask, by: str) -> Administration:
        return Administration(self._store, self._clock, by, ask.operator.origin)


def state_of(chat: StoredChat) -> str:
    """Return `suspended`, `authorized` or `unauthorized`."""
    if chat.suspended:
        return "suspended"
    return "authorized" if chat.authorized else "unauthorized"
