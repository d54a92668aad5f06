"""One lane for each chat, by whichever of its ids it is called: its messages in the order of their attempts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from itertools import takewhile

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

    __slots__ = ("_queue", "_sends", "busy", "chat_id", "head", "joining", "not_before", "waits_for")

    def __init__(self, chat_id: int) -> None:
        """Begin with no message."""
        self.chat_id = chat_id
        self.head: Pending | None = None
        self.not_before = 0.0
        self.busy = False
        self.joining = 0
        self.waits_for: Pending | None = None
        self._queue: OrderedDict[str, Pending] = OrderedDict()
        self._sends = 0

    def __iter__(self) -> Iterator[Pending]:
        """Go through the waiting messages behind `head`, in order."""
        return iter(self._queue.values())

    @property
    def is_idle(self) -> bool:
        """Whether nothing is here, on its way here, or on its way from here."""
        return not (self.busy or self.joining or self._queue or self.head)

    def add(self, message: Pending) -> None:
        """Put a message in its place in the order of acceptance."""
        self._sends += message.parts_left
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
        """Return how many messages, or parts, are to be sent before one that waits here, or one that comes now."""
        if self.head and self.head.id == message_id:
            return 0
        begun = self.head.parts_left - self.busy if self.head else 0
        asked = self._queue.get(message_id)
        if asked is None:
            return begun + self._sends + self.joining
        if next(reversed(self._queue)) == message_id:  # without going through them: most ask on arrival
            return begun + self._sends - asked.parts_left
        return begun + sum(each.parts_left for each in takewhile(lambda each: each is not asked, self))

    def begin(self) -> Pending:
        """Make the next message the head, and the lane busy. There is a message."""
        if self.head is None:
            self.head = self._queue.popitem(last=False)[1]
            self._sends -= self.head.parts_left
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
        elif message := self._queue.pop(message_id, None):
            self._sends -= message.parts_left


class Lanes:
    """Which lane is whose: those of a chat that moved become one, once the attempt under way has ended."""

    def __init__(self) -> None:
        """Begin with no lane."""
        self._lanes: dict[int, Lane] = {}
        self._moved: dict[int, int] = {}
        self._held: set[int] = set()

    def __iter__(self) -> Iterator[Lane]:
        """Go through the lanes that there are now."""
        return iter(list(self._lanes.values()))

    def found(self, chat_id: int) -> Lane | None:
        """Return the lane of a chat that may have moved: an attempt under way keeps the old one until it ends."""
        return self._lanes.get(chat_id) or self._lanes.get(self._moved.get(chat_id, chat_id))

    def of(self, chat_id: int) -> Lane:
        """Return the lane of a chat, a new one if need be."""
        lane = self.found(chat_id)
        if lane is None:
            present_id = self._moved.get(chat_id, chat_id)
            lane = self._lanes[present_id] = Lane(present_id)
        return lane

    def imagined(self, chat_id: int) -> Lane:
        """Return the lane of a chat, without keeping it if there is none."""
        return self.found(chat_id) or Lane(self._moved.get(chat_id, chat_id))

    def drop(self, lane: Lane) -> None:
        """Keep a lane no longer in which nothing is."""
        self._lanes.pop(lane.chat_id, None)

    def hold(self, chat_id: int) -> None:
        """Let nothing out of a chat's lane until it moves."""
        self._held.add(chat_id)

    def is_held(self, lane: Lane) -> bool:
        """Whether nothing may leave it."""
        return lane.chat_id in self._held

    def move(self, chat_id: int, new_chat_id: int) -> Lane | None:
        """Have what is for a chat go to another one; return the lane that is to be merged."""
        self._held.discard(chat_id)
        self._moved[chat_id] = new_chat_id
        return self._lanes.get(chat_id)

    def has_moved(self, lane: Lane) -> bool:
        """Whether what is in it belongs into another one."""
        return lane.chat_id in self._moved

    def merged(self, lane: Lane) -> Lane:
        """Put what waits for a chat that moved where it goes now, and return that lane."""
        del self._lanes[lane.chat_id]
        present = self.of(lane.chat_id)
        present.absorb(lane)
        return present
