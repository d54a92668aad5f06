"""The two clients repeat their signatures and docstrings, so that editors and `help` show them; none may drift."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from chatkey import BlockingClient, Client


def public(kind: type) -> dict[str, Callable[..., Any]]:
    return {name: method for name, method in inspect.getmembers(kind, inspect.isfunction) if name[0] != "_"}


def test_both_clients_have_the_same_methods() -> None:
    assert public(Client).keys() == public(BlockingClient).keys() >= {"send", "send_many", "watch", "close"}


@pytest.mark.parametrize("name", sorted(public(Client)))
def test_a_method_is_asked_and_described_in_the_same_way(name: str) -> None:
    awaited, blocking = public(Client)[name], public(BlockingClient)[name]
    assert inspect.getdoc(awaited) == inspect.getdoc(blocking)
    said = [
        [(each.name, each.kind, each.default, None if each.name == "messages" else each.annotation) for each in taken]
        for taken in (inspect.signature(method).parameters.values() for method in (awaited, blocking))
    ]
    assert said[0] == said[1]
