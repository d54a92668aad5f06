"""The clients: what each needs, how it is built, and how its program is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.generate import ROOT

CLIENTS = ROOT / "clients"


@dataclass(frozen=True, slots=True)
class Language:
    """A client.

    Attributes:
        name: Its folder in `clients/`.
        program: What runs the program that sends, in its folder.
        receiver: What runs the one that receives, likewise.
        toolchain: The commands that have to be there.
        build: What builds it, in its folder, one after the other.
    """

    name: str
    program: tuple[str, ...]
    receiver: tuple[str, ...]
    toolchain: tuple[str, ...] = ()
    build: tuple[tuple[str, ...], ...] = ()

    @property
    def folder(self) -> Path:
        """Where it is."""
        return CLIENTS / self.name

    def missing(self) -> list[str]:
        """Return the commands that are not there."""
        return [command for command in self.toolchain if shutil.which(command) is None]

    def built(self) -> str:
        """Build it, and return what the step that failed printed; nothing if all went well."""
        tools = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        for step in self.build:
            done = subprocess.run(
                step, cwd=self.folder, env=os.environ | tools, capture_output=True, text=True, check=False
            )
            if done.returncode:
                return f"{' '.join(step)}\n{done.stdout}{done.stderr}"
        return ""


LANGUAGES = (
    Language("python", (sys.executable, "examples/send.py"), (sys.executable, "examples/receive.py")),
    Language(
        "go",
        ("build/send",),
        ("build/receive",),
        toolchain=("go",),
        build=(
            ("buf", "generate"),
            ("go", "build", "-o", "build/send", "."),
            ("go", "build", "-o", "build/receive", "./receive"),
        ),
    ),
    Language(
        "typescript",
        ("node", "build/src/send.js"),
        ("node", "build/src/receive.js"),
        toolchain=("node", "npm"),
        build=(("npm", "ci", "--no-audit", "--no-fund"), ("npm", "run", "build")),
    ),
    Language(
        "java",
        ("java", "-jar", "target/chatkey-example.jar"),
        ("java", "-cp", "target/chatkey-example.jar", "example.Receive"),
        toolchain=("java", "mvn"),
        build=(("mvn", "-q", "-B", "package"),),
    ),
)
