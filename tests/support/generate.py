"""Write the Python stubs of every proto to `clients/python`, or to another folder to compare them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROTOS = ROOT / "protos"
STUBS = ROOT / "clients" / "python"


def generate(into: Path) -> None:
    """Write `_pb2.py`, `_pb2.pyi`, `_pb2_grpc.py` and `_pb2_grpc.pyi` of each proto below `into`.

    Raises:
        subprocess.CalledProcessError: a proto does not compile.
    """
    protos = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
    plugins = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(
        [
            sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTOS}",
            f"--python_out={into}", f"--pyi_out={into}", f"--grpc_python_out={into}",
            f"--mypy_grpc_out=quiet:{into}", *protos,
        ],
        check=True,
        env=os.environ | plugins,
    )  # fmt: skip
    for package in {(into / proto).parent for proto in protos}:
        name = ".".join(package.relative_to(into).parts)
        (package / "__init__.py").write_text(f'"""The generated messages and stubs of `{name}`."""\n')


if __name__ == "__main__":
    generate(STUBS)
