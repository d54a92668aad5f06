"""The Python client passes what every client must pass; the other languages are run by `make clients`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.clients.languages import CLIENTS, LANGUAGES
from tests.clients.scenarios import complaint, deafness, scenarios
from tests.support.gateway import gateway

PYTHON = next(language for language in LANGUAGES if language.name == "python")


@pytest.mark.parametrize(
    "scenario",
    [scenario for scenario in scenarios() if "python" not in scenario.get("but_for", ())],
    ids=lambda scenario: scenario["name"],
)
async def test_scenario(scenario: dict[str, Any], tmp_path: Path) -> None:
    async with gateway(tmp_path) as served:
        assert await complaint(PYTHON, scenario, served) == ""


async def test_what_did_not_come_is_told(tmp_path: Path) -> None:
    unmet = scenarios()[0] | {"shown": ["Something else"]}
    async with gateway(tmp_path) as served:
        assert await complaint(PYTHON, unmet, served) == "the chat shows ['Backup done']"


async def test_what_is_written_is_told(tmp_path: Path) -> None:
    async with gateway(tmp_path, updates="polling") as served:
        assert await deafness(PYTHON, served) == ""


async def test_a_program_that_tells_something_else_is_noticed(tmp_path: Path) -> None:
    async with gateway(tmp_path, updates="polling") as served:
        silent = replace(PYTHON, receiver=(sys.executable, "-c", "print('-1002 It is foreign')"))
        assert await deafness(silent, served) == "told '-1002 It is foreign\\n'"


def test_every_client_is_run() -> None:
    assert {language.folder for language in LANGUAGES} == {path for path in CLIENTS.iterdir() if path.is_dir()}
