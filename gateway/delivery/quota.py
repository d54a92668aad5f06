"""How much a client may hand in: messages in a minute, in a day, and waiting at once. Instants are passed in."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta

from gateway.errors import QuotaExceeded
from gateway.store.registry import Quota

MINUTE = 60.0
DAY = 86_400.0
PARTS = 60
"""In how many parts a window's messages are counted: one may count for a sixtieth of its length too long."""
QUEUE_PAUSE = timedelta(seconds=5)
"""What a client is asked to wait whose queue is full: nobody knows when it is shorter."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Messages of a client that are counted: since when, by a monotonic clock, and how many."""

    client: str
    at: float
    count: int = 1


def none_of_their_own(client: str) -> Quota:
    """Give no client a quota of its own."""
    return Quota()


class _Window:
    """How many messages came within `length` seconds: never fewer than did."""

    __slots__ = ("_parts", "_seconds", "_total")

    def __init__(self, length: float) -> None:
        self._seconds = length / PARTS
        self._parts: deque[tuple[int, int]] = deque()
        self._total = 0

    def room_at(self, limit: int, now: float) -> float:
        """Return from when on there is room for one more."""
        self._leave(now)
        over = self._total - limit
        for part, count in self._parts:
            if over < 0:
                break
            over -= count
            now = (part + PARTS + 1) * self._seconds
        return now

    def add(self, now: float, count: int = 1) -> None:
        part = int(now // self._seconds)
        before = self._parts.pop()[1] if self._parts and self._parts[-1][0] == part else 0
        self._parts.append((part, before + count))
        self._total += count

    def take_back(self, at: float) -> None:
        """Count one no more that was added at that time: it, and no other, which would leave too early or too late."""
        part = int(at // self._seconds)
        for place in range(len(self._parts) - 1, -1, -1):
            if self._parts[place][0] == part:
                self._parts[place] = part, self._parts[place][1] - 1
                self._total -= 1
                return

    def is_empty(self, now: float) -> bool:
        self._leave(now)
        return not self._total

    def _leave(self, now: float) -> None:
        gone = int(now // self._seconds) - PARTS
        while self._parts and self._parts[0][0] < gone:
            self._total -= self._parts.popleft()[1]


class Quotas:
    """Says whether a client may hand in one more message, and counts those that it does.

    Never more than a limit in any minute and in any day, whenever they begin: over a restart too, once `recall` was
    told of what came before, and with other gateways on the database, as soon as `heard` is told of it.

    Attributes:
        is_shared: Whether clients hand in to other gateways too, which `heard` is told of.
        heard_up_to: The number (`seq`) up to which all messages are counted, whichever gateway they came to.
    """

    def __init__(
        self,
        default: Quota = Quota(),  # noqa: B008 - it is frozen
        *,
        most_waiting: int = 0,
        of: Callable[[str], Quota] = none_of_their_own,
    ) -> None:
        """Begin with nothing counted.

        Args:
            default: What a client may use up that has no quota of its own; None and 0: as much as it likes.
            most_waiting: How many messages may wait, of all clients together; 0: any number.
            of: A client's own quota. Where it says None, the default holds; 0: as much as it likes.
        """
        self._default = default
        self._most_waiting = most_waiting
        self._of = of
        self._windows: dict[str, tuple[_Window, _Window]] = {}
        self._arriving: Counter[str] = Counter()
        self._tidy_at = 0.0
        self.is_shared = False
        self.heard_up_to = 0
        self._ours: dict[int, str] = {}

    def of(self, client: str) -> Quota:
        """Return what holds for a client."""
        own = self._of(client)
        chosen = {
            each.name: getattr(self._default if getattr(own, each.name) is None else own, each.name) or None
            for each in fields(Quota)
        }
        return Quota(**chosen)

    def take(self, client: str, waiting: int, everybody: int, now: float) -> Taken:
        """Count one more message and return it, which is followed by one of `arrived` and `give_back`.

        Arguments and errors are those of `require_room`.
        """
        self.require_room(client, waiting, everybody, now)
        for window in self._windows_of(client):
            window.add(now)
        self._arriving[client] += 1
        self._tidy(now)
        return Taken(client, now)

    def require_room(self, client: str, waiting: int, everybody: int, now: float) -> None:
        """Return if one more message may be taken, which counts none.

        Args:
            client: Who hands it in.
            waiting: How many of the client's messages wait.
            everybody: How many wait in all.
            now: Seconds of a monotonic clock.

        Raises:
            QuotaExceeded: It may not be taken; `quota` and `limit` in the facts.
        """
        quota = self.of(client)
        if self._most_waiting and everybody + self._arriving.total() >= self._most_waiting:
            raise _exceeded("The gateway's queue is full.", "all_queues", self._most_waiting, QUEUE_PAUSE)
        if quota.queue_depth and waiting + self._arriving[client] >= quota.queue_depth:
            raise _exceeded("Too many of the client's messages wait.", "queue_depth", quota.queue_depth, QUEUE_PAUSE)
        if client not in self._windows:
            return
        minute, day = self._windows[client]
        for name, limit, window in (("per_minute", quota.per_minute, minute), ("per_day", quota.per_day, day)):
            if limit and (room_at := window.room_at(limit, now)) > now:
                raise _exceeded("The client has sent its share for now.", name, limit, timedelta(seconds=room_at - now))

    def arrived(self, taken: Taken, number: int) -> None:
        """Say that a message that was counted is kept under this number (`seq`)."""
        self._arrives_no_more(taken.client)
        if self.is_shared and number > self.heard_up_to:
            self._ours[number] = taken.client
        elif self.is_shared:
            # It was heard of already, and taken for another gateway's.
            self._take_back(taken)

    def give_back(self, taken: Taken) -> None:
        """Say that a message that was counted is none: it was not kept, or it repeats another one."""
        self._arrives_no_more(taken.client)
        self._take_back(taken)

    def recall(self, number: int, minute: Iterable[Taken], day: Iterable[Taken]) -> None:
        """Count what clients handed in before this run.

        Args:
            number: The number (`seq`) up to which all are among them.
            minute: Those that may count for a minute, the oldest first.
            day: Those that may count for a day, the oldest first.
        """
        for window, counted in enumerate((minute, day)):
            for each in counted:
                self._windows_of(each.client)[window].add(each.at, each.count)
        self.heard_up_to = number

    def heard(self, number: int, handed_in: Mapping[str, int], now: float) -> None:
        """Count what clients handed in to other gateways, as if it were now: that is later than it was.

        Args:
            number: The number (`seq`) up to which it is told.
            handed_in: How many each client handed in, from `heard_up_to` up to that number, ours among them.
            now: Seconds of a monotonic clock.
        """
        others = Counter(handed_in)
        for ours in [each for each in self._ours if each <= number]:
            others[self._ours.pop(ours)] -= 1
        for client, count in (+others).items():
            for window in self._windows_of(client):
                window.add(now, count)
        self.heard_up_to = number
        self._tidy(now)

    def _windows_of(self, client: str) -> tuple[_Window, _Window]:
        return self._windows.setdefault(client, (_Window(MINUTE), _Window(DAY)))

    def _arrives_no_more(self, client: str) -> None:
        self._arriving[client] -= 1
        if not self._arriving[client]:
            del self._arriving[client]

    def _take_back(self, taken: Taken) -> None:
        for window in self._windows.get(taken.client, ()):
            window.take_back(taken.at)

    def _tidy(self, now: float) -> None:
        """Forget, once in a minute, who has sent nothing for a day."""
        if now >= self._tidy_at:
            self._tidy_at = now + MINUTE
            self._windows = {name: pair for name, pair in self._windows.items() if not pair[1].is_empty(now)}


def _exceeded(text: str, quota: str, limit: int, retry_after: timedelta) -> QuotaExceeded:
    return QuotaExceeded(text, retry_after=retry_after, quota=quota, limit=str(limit))
