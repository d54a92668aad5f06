"""The public face of the world in the box: what tests and the control API do to it and see of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .chats import Message, new_chat
from .faults import new_fault
from .inbound import inbound_update
from .limits import LimitsName
from .world import World


class Sandbox(World):
    """A Telegram with no people in it but those you add.

    `limits` is "telegram" (flood limits enforced) or "none". `clock` gives seconds for windows and the log's `at`,
    `wall` seconds since 1970. Memory is bounded: the log keeps `log_size` requests, each chat `history_size`
    messages, each bot `updates_size` unconfirmed updates, and files `files_size` bytes in all.
    """

    def __init__(
        self,
        *,
        limits: LimitsName = "telegram",
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        chats: Iterable[Mapping[str, Any]] = (),
        log_size: int = 50_000,
        history_size: int = 10_000,
        updates_size: int = 10_000,
        files_size: int = 256 << 20,
    ) -> None:
        if limits not in ("telegram", "none"):
            raise ValueError(f"limits is telegram or none, not {limits!r}")
        super().__init__(limits, clock, wall, log_size, history_size, updates_size, files_size)
        for chat in chats:
            self.add_chat(**chat)

    def add_chat(
        self,
        id: int,  # noqa: A002 - the Bot API's own names
        *,
        type: str | None = None,  # noqa: A002
        title: str | None = None,
        username: str = "",
        bot_status: str = "",
        migrate_to_chat_id: int = 0,
        topics: Sequence[int] = (),
        bot_rights: Mapping[str, bool] | None = None,
        members: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Let the bots know a chat, or change one they know; its messages stay.

        Without `type` the id decides: above 0 private, from -1000000000000 down a supergroup, else a group.
        `bot_status` is one of `BOT_STATUSES`; `bot_rights` says which rights the bot has not where it is an
        administrator, such as `{"can_pin_messages": False}`. `members` are people such as `{"id": 7, "first_name":
        "Ann", "status": "administrator"}`. Raises `ValueError` when the parts do not fit together.
        """
        chat = new_chat(
            id,
            self.history_size,
            kind=type,
            title=title,
            username=username,
            bot_status=bot_status,
            migrate_to_chat_id=migrate_to_chat_id,
            topics=topics,
            bot_rights=bot_rights,
            members=members,
        )
        if (known := self.chats.get(id)) is not None:
            chat.messages, chat.last_message_id = known.messages, known.last_message_id
            chat.members = {**known.members, **chat.members}
            chat.pinned, chat.reactions, chat.permissions = known.pinned, known.reactions, known.permissions
        self.chats[id] = chat
        for member in chat.members.values():
            self.users[member.user["id"]] = member.user

    def messages(self, chat_id: int) -> list[Message]:
        """The `Message` objects of a chat, the oldest first; `KeyError` for a chat nobody added."""
        return list(self.chats[chat_id].messages.values())

    def log(self) -> list[dict[str, Any]]:
        """Every request still remembered, the oldest first."""
        return self.requests.to_json()

    def add_fault(
        self,
        method: str | None = None,
        chat_id: int | None = None,
        times: int = 1,
        *,
        fault: Mapping[str, Any],
    ) -> None:
        """Let the next `times` matching requests meet a fault of a kind in `FAULT_KINDS`; `ValueError` if unfit."""
        self.faults.add(new_fault(method, chat_id, times, fault))

    def clear_faults(self) -> None:
        """Forget every fault that still waits."""
        self.faults.clear()

    def revoke(self, token: str) -> None:
        """Refuse this token with 401 from now on; another secret for the same bot id still works."""
        self.revoked.add(token)

    def inject(self, update: Mapping[str, Any]) -> dict[str, Any]:
        """Let something happen in a chat and tell the bots: see `inbound` for what it may be.

        Returns the new message, callback query or other content; `ValueError` when it does not fit.
        Bots that called before get it; while there are none it waits for the first.
        """
        kind, content, bot_id = inbound_update(self, update)
        self.announce(kind, content, bot_id)
        return content
