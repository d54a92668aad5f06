"""Write `tests/requirements.lock`: every dependency pinned and hashed, with no registry's address in it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "tests" / "requirements.lock"


def main() -> None:
    """Resolve the runtime and the development dependencies together, for every platform."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    client = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text())
    wanted = {
        *(line for line in project["project"]["dependencies"] if not line.startswith("chatkey==")),
        *client["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
    }
    with tempfile.NamedTemporaryFile("w", suffix=".in") as source:
        source.write("\n".join(sorted(wanted)))
        source.flush()
        subprocess.run(
            [
                sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11",
                "--generate-hashes", "--no-strip-extras", "--no-emit-index-url", "--no-header", "--no-annotate",
                "--output-file", str(LOCK), source.name,
            ],
            check=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
