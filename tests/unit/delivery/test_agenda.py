from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.agenda import Agenda


def test_the_earliest_comes_first() -> None:
    agenda: Agenda[str] = Agenda()
    for key, when in (("noon", 12.0), ("dawn", 6.0), ("night", 23.0)):
        agenda.set(key, when)
    assert agenda.next() == 6.0
    assert agenda.take_due(12.0) == ["dawn", "noon"]
    assert agenda.next() == 23.0


def test_an_empty_agenda_has_nothing_ever() -> None:
    assert Agenda[str]().next() == inf
    assert Agenda[str]().take_due(1e9) == []


def test_what_floods_through_leaves_nothing_behind() -> None:
    agenda: Agenda[int] = Agenda()
    for number in range(10_000):
        agenda.set(number, 1e6 + number)
        agenda.discard(number)
    assert len(agenda) == 0
    assert len(agenda._heap) <= 64 + 1


@given(st.lists(st.tuples(st.integers(0, 5), st.one_of(st.none(), st.integers(0, 20))), max_size=200))
def test_it_is_a_dictionary_in_the_order_of_its_values(steps: list[tuple[int, int | None]]) -> None:
    agenda: Agenda[int] = Agenda()
    model: dict[int, int] = {}
    for key, when in steps:
        if when is None:
            agenda.discard(key)
            model.pop(key, None)
        else:
            agenda.set(key, when)
            model[key] = when
        assert len(agenda) == len(model)
        assert agenda.next() == min(model.values(), default=inf)
    due = agenda.take_due(10)
    assert [model[key] for key in due] == sorted(when for when in model.values() if when <= 10)
    assert set(due) == {key for key, when in model.items() if when <= 10}
