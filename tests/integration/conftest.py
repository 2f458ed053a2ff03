"""Real servers for tests: a private PostgreSQL cluster and a private Redis, on free loopback ports."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
import redis

from core.migrate import upgrade
from tests.patience import PATIENCE
from tests.ports import free_ports

_POSTGRES = Path("/usr/lib/postgresql")


class PostgresServer:
    """One running PostgreSQL; `url` is that of an empty database on it."""

    def __init__(self, data: Path) -> None:
        self._programs, self._data, (port,) = _postgres_programs(), data, free_ports(1)
        self._options = (
            f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=60"
        )
        self.url = f"postgresql+asyncpg://onecall@127.0.0.1:{port}/postgres"
        _as_owner(self._programs / "initdb", "-D", data, "-U", "onecall", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()

    def start(self) -> None:
        """Start and wait until it answers."""
        log = self._data / "log"
        self._control("-w", "-t", "60", "-o", self._options, "-l", log, "start")

    def stop(self) -> None:
        """End it and every connection at once, as a loss of power does. Stopping twice is no error."""
        if (self._data / "postmaster.pid").exists():
            self._control("-m", "immediate", "-w", "stop")

    def _control(self, *words: object) -> None:
        _as_owner(self._programs / "pg_ctl", "-D", self._data, *words)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL of its own, stopped and deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="onecall-pg-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        data.mkdir()
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
            shutil.chown(data, "postgres")
        server = PostgresServer(data)
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of an empty database on a PostgreSQL of its own, stopped and deleted at the end."""
    with postgres_server() as server:
        yield server.url


@pytest.fixture(scope="module")
def scratch_postgres_url(postgres_url: str) -> Iterator[str]:
    """URL of an empty database of this test module alone, on the same server."""
    with postgres_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgres_url(postgres_url: str) -> Iterator[str]:
    """URL of a database with the newest schema, to be copied (`postgres_database`), not used."""
    with postgres_database(postgres_url) as url:
        asyncio.run(upgrade(url))
        yield url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the newest schema, to be copied, not used."""
    path = tmp_path_factory.mktemp("migrated") / "onecall.db"
    asyncio.run(upgrade(f"sqlite+aiosqlite:///{path}"))
    return path


@contextmanager
def postgres_database(server_url: str, template_url: str | None = None) -> Iterator[str]:
    """A database on that server, empty or a copy of another one, dropped at the end."""
    name = f"scratch_{uuid.uuid4().hex}"
    template = template_url.rsplit("/", 1)[1] if template_url else "template1"
    asyncio.run(_execute(server_url, f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield server_url.rsplit("/", 1)[0] + f"/{name}"
    asyncio.run(_execute(server_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


class RedisServer:
    """One running Redis without persistence."""

    def __init__(self, folder: str) -> None:
        self._folder, self._port = folder, free_ports(1)[0]
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        """Start, unless it runs, and wait until it answers."""
        if self._process is None:
            port = str(self._port)
            self._process = subprocess.Popen(
                ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
                cwd=self._folder,
                stdout=subprocess.DEVNULL,
            )
        _wait_for_redis(self._port)

    def stop(self) -> None:
        """End it and every connection."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(PATIENCE)
            self._process = None


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """A Redis of its own, stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="onecall-redis-") as folder:
        server = RedisServer(folder)
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """URL of a Redis of its own, without persistence, stopped at the end."""
    with redis_server() as server:
        yield server.url


def _postgres_programs() -> Path:
    versions = sorted(_POSTGRES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not versions:
        raise RuntimeError("PostgreSQL's server programs are not installed: apt-get install postgresql")
    return versions[-1].parent


def _as_owner(*command: object) -> None:
    """PostgreSQL refuses to run as root: then it runs as its own user."""
    words = [str(word) for word in command]
    if os.geteuid() == 0:
        words = ["runuser", "-u", "postgres", "--", *words]
    # pg_ctl leaves a server behind that would keep a captured pipe open for ever: output goes to a file.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(words, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd="/")
        output.seek(0)
        assert done.returncode == 0, output.read().decode(errors="replace")


def _wait_for_redis(port: int) -> None:
    client = redis.Redis(port=port)
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            client.ping()
            break
        except redis.ConnectionError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.02)
    client.close()
