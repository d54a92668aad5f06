"""Whose turn it is: which of the lanes that could send does so next."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from heapq import heappop, heappush, heapreplace

from gateway.delivery.lanes import Lane
from gateway.model import Priority

PATIENCE = 10
"""How often more urgent lanes may go before a less urgent one that waits."""


def equal_weight(client: str) -> float:
    """Give every client the same share."""
    return 1.0


class _Shares:
    """Lanes of one priority, taken so that each client gets its share of the turns.

    Start-time fair queueing (Goyal, Vin, Cheng 1996): a client's tag moves on by 1/weight with each of its turns, and
    the lowest tag is next. A client without lanes keeps its tag until the others have caught up, so that leaving and
    coming back gains nothing.
    """

    def __init__(self, weight: Callable[[str], float]) -> None:
        self._weight = weight
        self._lanes: dict[str, OrderedDict[Lane, None]] = {}
        self._tags: list[tuple[float, int, str]] = []
        self._now = 0.0
        self._arrivals = 0
        self.passed_over = 0
        self.waiting = 0

    def before(self, client: str) -> int:
        """Return about how many lanes go before one more of a client, were all weights equal."""
        own = len(self._lanes.get(client, ()))
        others = len(self._lanes) - (client in self._lanes)
        return min(self.waiting, own + others * (own + 1))

    def add(self, client: str, lane: Lane) -> None:
        lanes = self._lanes.get(client)
        if lanes is None:
            lanes = self._lanes[client] = OrderedDict()
            self._arrivals += 1
            heappush(self._tags, (self._now, self._arrivals, client))
        lanes[lane] = None
        self.waiting += 1

    def remove(self, client: str, lane: Lane) -> None:
        del self._lanes[client][lane]
        self.waiting -= 1

    def take(self) -> Lane:
        while True:
            tag, arrival, client = self._tags[0]
            self._now = tag
            if lanes := self._lanes[client]:
                heapreplace(self._tags, (tag + 1 / self._weight(client), arrival, client))
                self.waiting -= 1
                return lanes.popitem(last=False)[0]
            heappop(self._tags)
            del self._lanes[client]


class Turns:
    """The lanes whose chat may be written to now, in the order in which they get the bot's next free places.

    The more urgent first; of equal urgency, each client its weighted share; of one client, who waited longest. A less
    urgent lane waits for at most `PATIENCE` turns of more urgent ones before one of its kind goes.
    """

    def __init__(self, weight: Callable[[str], float] = equal_weight) -> None:
        """Begin with no lane; `weight` says how many turns a client gets for each turn of a client of weight 1."""
        self._kinds = {priority: _Shares(weight) for priority in sorted(Priority, reverse=True)}
        self._place: dict[Lane, tuple[_Shares, str]] = {}

    def __len__(self) -> int:
        """Return how many lanes wait for their turn."""
        return len(self._place)

    def before(self, client: str) -> int:
        """Return about how many turns there are before that of one more lane of a client, at normal priority."""
        urgent, normal = self._kinds[Priority.HIGH], self._kinds[Priority.NORMAL]
        return urgent.waiting + normal.before(client)

    def add(self, lane: Lane, client: str, priority: Priority) -> None:
        """Let a lane wait, for a message of `client`."""
        shares = self._kinds[priority]
        shares.add(client, lane)
        self._place[lane] = (shares, client)

    def discard(self, lane: Lane) -> None:
        """Let a lane wait no longer, if it does."""
        if place := self._place.pop(lane, None):
            shares, client = place
            shares.remove(client, lane)

    def take(self) -> Lane:
        """Return the lane whose turn it is. There is one."""
        waiting = [shares for shares in self._kinds.values() if shares.waiting]
        chosen = next((shares for shares in reversed(waiting) if shares.passed_over >= PATIENCE), waiting[0])
        for shares in waiting[waiting.index(chosen) + 1 :]:
            shares.passed_over += 1
        chosen.passed_over = 0
        lane = chosen.take()
        del self._place[lane]
        return lane
