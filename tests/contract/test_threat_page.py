"""`tests/THREATS.md` names a test for every attack, and tells the truth about it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS / "THREATS.md").read_text(encoding="utf-8")
ROWS = {
    int(cells[0]): (cells[2], cells[3])
    for line in PAGE.splitlines()
    if re.match(r"\| [0-9]+ \|", line)
    for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
}
NAMED = re.compile(r"`([a-z0-9_/]+\.py)::(test_\w+)`")


@cache
def defined_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


@cache
def files_by_row() -> dict[int, set[str]]:
    """Return the files with tests of each row, by what the tests are called."""
    found: dict[int, set[str]] = defaultdict(set)
    for path in TESTS.rglob("test_*.py"):
        for name in defined_in(path):
            for number in re.findall(r"row_([0-9]+)_", name):
                found[int(number)].add(path.relative_to(TESTS).as_posix())
    return found


def test_every_row_is_there_once() -> None:
    assert list(ROWS) == list(range(1, 57))
    assert PAGE.count("\n| row |") == 1


def test_every_test_that_is_named_exists() -> None:
    named = NAMED.findall(PAGE)
    assert [(file, name) for file, name in named if name not in defined_in(TESTS / file)] == []
    assert PAGE.count("::") == len(named)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_names_tests_of_its_own_or_says_why_there_are_none(row: int) -> None:
    attack, shown_by = ROWS[row]
    named = NAMED.findall(shown_by)
    assert attack
    assert all(f"row_{row}_" in name for _, name in named)
    assert bool(named) == bool(files_by_row()[row])
    assert bool(named) != shown_by.startswith("None: ")
