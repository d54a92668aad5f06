from __future__ import annotations

from collections import Counter

from gateway.delivery.lanes import Lane
from gateway.delivery.turns import PATIENCE, Turns
from gateway.model import Priority


def fill(turns: Turns, client: str, count: int, priority: Priority = Priority.NORMAL) -> dict[Lane, str]:
    lanes = {Lane(number): client for number in range(count)}
    for lane in lanes:
        turns.add(lane, client, priority)
    return lanes


def test_a_light_client_waits_for_its_share_and_no_longer() -> None:
    turns = Turns()
    owners = fill(turns, "heavy", 1000)
    for _ in range(100):
        turns.take()
    for light in range(10):
        owners |= fill(turns, f"light{light}", 3)
    first = Counter(owners[turns.take()] for _ in range(33))
    assert first == {"heavy": 3} | {f"light{light}": 3 for light in range(10)}


def test_a_weight_is_a_share() -> None:
    turns = Turns(weight=lambda client: 3.0 if client == "paying" else 1.0)
    owners = fill(turns, "paying", 100) | fill(turns, "free", 100)
    assert Counter(owners[turns.take()] for _ in range(40)) == {"paying": 30, "free": 10}


def test_to_leave_and_come_back_gains_nothing() -> None:
    turns = Turns()
    owners = fill(turns, "steady", 100)
    served = Counter[str]()
    for _ in range(40):
        owners |= fill(turns, "hopping", 1)
        served.update(owners[turns.take()] for _ in range(1))
        for lane in [lane for lane, owner in owners.items() if owner == "hopping"]:
            turns.discard(lane)
    assert served["steady"] >= 19


def test_the_urgent_go_first() -> None:
    turns = Turns()
    bulk = fill(turns, "a", 1, Priority.BULK)
    normal = fill(turns, "a", 1, Priority.NORMAL)
    high = fill(turns, "a", 1, Priority.HIGH)
    assert [turns.take() for _ in range(3)] == [*high, *normal, *bulk]


def test_the_patient_are_not_forgotten() -> None:
    turns = Turns()
    fill(turns, "a", 100, Priority.HIGH)
    bulk = fill(turns, "b", 1, Priority.BULK)
    order = [turns.take() in bulk for _ in range(PATIENCE + 1)]
    assert order == [False] * PATIENCE + [True]


def test_a_lane_that_leaves_is_not_called() -> None:
    turns = Turns()
    first, second = fill(turns, "a", 2)
    turns.discard(first)
    turns.discard(first)
    assert turns.take() is second
    assert len(turns) == 0
