"""`make clients`: build every client whose toolchain is there, and run it through the scenarios."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import structlog

from tests.clients.languages import LANGUAGES, Language
from tests.clients.scenarios import complaint, deafness, scenarios
from tests.support.gateway import gateway


async def failures(language: Language) -> int:
    """Run a client through every scenario, and return how many it does not pass."""
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        async with gateway(Path(folder), updates="polling") as served:
            for scenario in scenarios():
                if language.name in scenario.get("but_for", ()):
                    continue
                failed += said(language, scenario["name"], await complaint(language, scenario, served))
            failed += said(language, "what is written in the chat is told", await deafness(language, served))
    return failed


def said(language: Language, name: str, wrong: str) -> bool:
    """Print how a scenario went, and return whether it failed."""
    print(f"{language.name:<10} {'FAILED' if wrong else 'ok':<6} {name}", flush=True)
    if wrong:
        print(wrong)
    return bool(wrong)


def main() -> int:
    """Go through the languages; a missing toolchain is said and is no failure."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    failed = 0
    for language in LANGUAGES:
        if missing := language.missing():
            print(f"{language.name:<10} SKIPPED: {' and '.join(missing)} not found")
        elif wrong := language.built():
            failed += 1
            print(f"{language.name:<10} FAILED to build: {wrong.rstrip()}")
        else:
            failed += asyncio.run(failures(language))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
