"""A PostgreSQL for the tests: Debian's package, started on a free port with its data in a temporary folder."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from tests.instruments.ports import free_port

_START_SECONDS = 60


def binaries() -> Path | None:
    """Where `initdb` and `postgres` are; None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    path = shutil.which("initdb")
    return Path(path).parent if path else None


class Postgres:
    """A running server in which databases can be made."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._made = 0

    def create(self) -> str:
        """The URL of a new, empty database."""
        self._made += 1
        name = f"chats{self._made}"
        self._run(f"CREATE DATABASE {name}")
        return self.url(name)

    def empty(self, name: str, tables: Sequence[str]) -> None:
        """Deletes all rows of the tables, in this order."""
        deletions = (f"DELETE FROM {table}" for table in tables)
        self._run("; ".join([f"SET lock_timeout = '{_START_SECONDS}s'", *deletions]), name)

    def url(self, name: str) -> str:
        """The URL of a database."""
        return f"postgresql://chat@127.0.0.1:{self._port}/{name}"

    def _run(self, statement: str, name: str = "postgres") -> None:
        # In a thread of its own: the synchronous Playwright has an event loop running in this one.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(self._execute(statement, name))).result()

    async def _execute(self, statement: str, name: str) -> None:
        connection = await asyncpg.connect(self.url(name))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def wait(self) -> None:
        """Waits until it takes connections."""
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self._run("SELECT 1")
            except (OSError, asyncpg.PostgresError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return


@contextmanager
def running_postgres(programs: Path) -> Iterator[Postgres]:
    """Starts PostgreSQL, which refuses to run as root; stops it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="chats-postgres-"))
    user = None
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
    identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    data, port = folder / "data", free_port()
    try:
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "chat", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            cwd=folder, stdout=subprocess.DEVNULL, check=True, **identity,
        )  # fmt: skip
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder, "-F"],
                cwd=folder, stdout=log, stderr=log, **identity,
            )  # fmt: skip
        try:
            postgres = Postgres(port)
            postgres.wait()
            yield postgres
        finally:
            server.terminate()
            server.wait(30)
    finally:
        shutil.rmtree(folder)
