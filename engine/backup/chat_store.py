"""The database of chats as a backup sees it: saved while the web process writes, restored whole or not at all."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

from engine.config import ROOT, Settings

_PROGRAMS = Path("/usr/lib/postgresql")
"""Where Debian keeps PostgreSQL's programs, in a folder per version."""
_CONNECT_SECONDS = 10
_BUSY_SECONDS = 60
_T = TypeVar("_T")


class BackupError(Exception):
    """A backup or a restore can't be done; the text is one sentence for the user, with the way out."""


class ChatStore(Protocol):
    """A database of chats. Every method raises `BackupError` if it fails, and OSError on a full disk."""

    kind: str
    """The kind of database; a backup can only be restored into the same kind."""
    file_name: str
    """The name of its copy in a backup."""

    def save(self, target: Path) -> None:
        """Writes one consistent state of the whole database to the file `target`."""

    def chats(self) -> int:
        """The number of chats."""

    def check_free(self) -> None:
        """Raises if other programs use it now."""

    def put_aside(self, folder: Path) -> None:
        """Saves or moves the present chats to `folder`, which exists."""

    def load(self, source: Path) -> None:
        """Replaces the whole content by what `save` has written to `source`."""


def chat_store(settings: Settings) -> ChatStore:
    """The store that `KIMI_DATABASE_URL` names.

    Raises:
        BackupError: it is not an address, or of a kind that we can't save.
    """
    text = settings.database_url.get_secret_value()
    if not text:
        return SqliteStore(settings.files.chats)
    from sqlalchemy import make_url  # noqa: PLC0415 - only where it is used
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        url = make_url(text)
    except ArgumentError:
        raise BackupError("KIMI_DATABASE_URL is not the address of a database: ./start.sh doctor says more.") from None
    match url.get_backend_name():
        case "sqlite":
            return SqliteStore(ROOT / (url.database or ""))
        case "postgres" | "postgresql":
            return PostgresStore(url)
        case other:
            raise BackupError(f"Chats in {other} can't be backed up here: use that database's own tools.")


class SqliteStore:
    """One file, and its write-ahead log (-wal), without which the last questions would be missing."""

    kind = "sqlite"
    file_name = "chat.db"

    def __init__(self, file: Path) -> None:
        self._file = file

    def save(self, target: Path) -> None:
        """Copies the database, including its -wal, to the file `target`."""
        if not self._file.is_file():
            raise BackupError(f"There are no chats in {self._file} yet, so there is nothing to back up.")
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            with closing(self._open()) as source, closing(sqlite3.connect(target)) as copy:
                # In one step: the copy is the state of one moment, and no writer has to wait.
                source.backup(copy)
                # Otherwise the copy would need a -wal too.
                copy.execute("PRAGMA journal_mode=DELETE")
                [(said,)] = copy.execute("PRAGMA quick_check(1)").fetchall()
        except sqlite3.Error as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None
            raise BackupError(f"The chats could not be copied ({error}): ./start.sh doctor says more.") from None
        if said != "ok":
            raise BackupError(f"{self._file} is damaged ({said}): ./start.sh doctor says more.")

    def chats(self) -> int:
        """The number of chats; 0 without a file or a table."""
        if not self._file.is_file() or not self._file.stat().st_size:
            return 0
        try:
            with closing(self._open()) as source:
                if not source.execute("SELECT 1 FROM sqlite_master WHERE name = 'threads'").fetchone():
                    return 0
                return int(source.execute("SELECT count(*) FROM threads").fetchone()[0])
        except sqlite3.Error as error:
            raise BackupError(f"{self._file} can't be read ({error}): ./start.sh doctor says more.") from None

    def check_free(self) -> None:
        """Does nothing: only the web process of the workspace uses the file, and the workspace's lock excludes it."""

    def put_aside(self, folder: Path) -> None:
        """Moves the database, with its -wal and -shm, to `folder`."""
        for suffix in ("", "-wal", "-shm"):
            file = self._file.with_name(self._file.name + suffix)
            if file.exists():
                shutil.move(file, folder / f"{self.file_name}{suffix}")

    def load(self, source: Path) -> None:
        """Moves the file `source` to the database's place."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source, self._file)

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self._file.absolute().as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS)


class PostgresStore:
    """A database of a PostgreSQL server, with its own pg_dump and pg_restore."""

    kind = "postgresql"
    file_name = "chats.dump"

    def __init__(self, url: Any) -> None:
        """Takes SQLAlchemy's `url` of the database."""
        query = url.query
        self._place: dict[str, Any] = {
            "host": url.host or query.get("host"),
            "port": url.port or query.get("port"),
            "user": url.username,
            "password": url.password,
            "database": url.database,
            "ssl": query.get("ssl") or query.get("sslmode"),
        }

    def save(self, target: Path) -> None:
        """Dumps the database to the file `target`."""
        self._run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")
        target.chmod(0o600)

    def chats(self) -> int:
        """The number of chats; 0 without a table."""

        async def count(connection: Any) -> int:
            there = await connection.fetchval("SELECT to_regclass('threads') IS NOT NULL")
            return int(await connection.fetchval("SELECT count(*) FROM threads")) if there else 0

        return self._ask(count)

    def check_free(self) -> None:
        """Raises `BackupError` if there are other connections to the database."""

        async def others(connection: Any) -> int:
            return int(
                await connection.fetchval(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                )
            )

        if number := self._ask(others):
            raise BackupError(
                f"{number} other connections use the database of chats: stop every page on it, and restore again."
            )

    def put_aside(self, folder: Path) -> None:
        """Dumps the present chats, if any, to `folder`."""
        if self.chats():
            self.save(folder / self.file_name)

    def load(self, source: Path) -> None:
        """Restores the dump `source` in one transaction."""
        self._run(
            "pg_restore", "--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction",
            "--exit-on-error", f"--dbname={self._place['database'] or ''}", str(source),
        )  # fmt: skip

    def _run(self, name: str, *arguments: str) -> None:
        server = self._ask(_server_version)
        program = find_program(name, server)
        # The password goes into the environment, never on a command line.
        place = {
            "PGHOST": self._place["host"], "PGPORT": self._place["port"], "PGUSER": self._place["user"],
            "PGPASSWORD": self._place["password"], "PGDATABASE": self._place["database"],
            "PGSSLMODE": self._place["ssl"], "PGCONNECT_TIMEOUT": _CONNECT_SECONDS,
        }  # fmt: skip
        env = os.environ | {key: str(value) for key, value in place.items() if value} | {"LC_MESSAGES": "C"}
        ended = subprocess.run(  # noqa: S603 - PostgreSQL's own
            [program, "--no-password", *arguments], env=env, capture_output=True, check=False
        )
        if ended.returncode:
            said = ended.stderr.decode(errors="replace").strip().splitlines()
            reason = said[0] if said else f"status {ended.returncode}"
            raise BackupError(f"{name} failed ({reason[:300]}); nothing was changed.")

    def _ask(self, question: Callable[[Any], Awaitable[_T]]) -> _T:
        import asyncpg  # type: ignore[import-untyped] # noqa: PLC0415 - only where it is used

        async def asked() -> _T:
            connection = await asyncpg.connect(**self._place, timeout=_CONNECT_SECONDS)
            try:
                return await question(connection)
            finally:
                await connection.close()

        try:
            return asyncio.run(asked())
        except (OSError, ValueError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            # Its text may contain the password.
            raise BackupError(
                f"PostgreSQL can't be reached ({type(error).__name__}): check that it runs and that KIMI_DATABASE_URL "
                "is right."
            ) from None


async def _server_version(connection: Any) -> int:
    return int(connection.get_server_version().major)


def find_program(name: str, server: int) -> str:
    """The program that fits the server best: the oldest version that is not older than the server.

    A newer pg_restore sets options that an older server does not know; an older pg_dump rejects a newer server.

    Raises:
        BackupError: there is no such program.
    """
    places = [*map(str, _PROGRAMS.glob(f"*/bin/{name}")), *filter(None, [shutil.which(name)])]
    found: dict[int, str] = {}
    for place in places:
        with suppress(OSError, subprocess.CalledProcessError):
            output = subprocess.run([place, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
            if version := re.search(r"\(PostgreSQL\) (\d+)", output):
                found.setdefault(int(version[1]), place)
    if not found:
        raise BackupError(
            f"{name} is not installed; for the server's version {server}, on Debian or Ubuntu: "
            f"apt-get install postgresql-client-{server}"
        )
    fitting = [version for version in found if version >= server]
    if not fitting:
        raise BackupError(
            f"{name} has version {max(found)} and the server has {server}: install PostgreSQL's client programs in "
            f"version {server} or newer (postgresql-client-{server})."
        )
    return found[min(fitting)]
