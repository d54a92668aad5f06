"""One lane for each chat: its messages in the order in which they are to be attempted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from gateway.store.base import Pending


class Lane:
    """The messages that wait for one chat, and whether one of them is on its way.

    Attributes:
        head: The message whose turn has begun: no other one goes before it is final or gone.
        not_before: The instant, in seconds of the monotonic clock, at which `head` may be attempted again.
        busy: Whether an attempt is under way, or its outcome is not yet kept.
        waits_for: The message for which the lane is in the queue for a turn, or held back.
        joining: How many messages are on their way into the store and not yet in the lane.
    """

    __slots__ = ("_queue", "busy", "chat_id", "head", "joining", "not_before", "waits_for")

    def __init__(self, chat_id: int) -> None:
        """Begin with no message."""
        self.chat_id = chat_id
        self.head: Pending | None = None
        self.not_before = 0.0
        self.busy = False
        self.joining = 0
        self.waits_for: Pending | None = None
        self._queue: OrderedDict[str, Pending] = OrderedDict()

    def __iter__(self) -> Iterator[Pending]:
        """Go through the waiting messages behind `head`, in order."""
        return iter(self._queue.values())

    @property
    def is_idle(self) -> bool:
        """Whether nothing is here, on its way here, or on its way from here."""
        return not (self.busy or self.joining or self._queue or self.head)

    def add(self, message: Pending) -> None:
        """Put a message in its place in the order of acceptance."""
        if not self._queue or message.seq > next(reversed(self._queue.values())).seq:
            self._queue[message.id] = message
            return
        # Only a message with a time of its own comes late, so the whole lane may be put in order again.
        messages = sorted([*self._queue.values(), message], key=lambda each: each.seq)
        self._queue = OrderedDict((each.id, each) for each in messages)

    def absorb(self, other: Lane) -> None:
        """Take over what waits in another lane, of which nothing is on its way, in the order of acceptance."""
        self.joining += other.joining
        for message in filter(None, [other.head, *other]):
            self.add(message)

    def next(self) -> Pending | None:
        """Return the message that is to be attempted next."""
        return self.head or next(iter(self._queue.values()), None)

    def ahead_of(self, message_id: str) -> int:
        """Return how many messages are to be attempted before one that waits here, or before one that comes now."""
        retried = int(self.head is not None and not self.busy)
        if self.head and self.head.id == message_id:
            return 0
        if message_id not in self._queue:
            return retried + len(self._queue) + self.joining
        if next(reversed(self._queue)) == message_id:  # without going through them: most ask on arrival
            return retried + len(self._queue) - 1
        return retried + list(self._queue).index(message_id)

    def begin(self) -> Pending:
        """Make the next message the head, and the lane busy. There is a message."""
        if self.head is None:
            self.head = self._queue.popitem(last=False)[1]
        self.busy = True
        return self.head

    def end(self) -> None:
        """Let the head go."""
        self.head = None
        self.not_before = 0.0

    def remove(self, message_id: str) -> None:
        """Take a message out, wherever it waits."""
        if self.head and self.head.id == message_id:
            self.end()
        else:
            self._queue.pop(message_id, None)
