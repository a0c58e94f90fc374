"""The connection to the database of chats: SQLite in the workspace, or what `KIMI_DATABASE_URL` names."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.errors import HistoryError
from app.history.migrations import NewerSchemaError
from app.history.schema import bring_up_to_date

_BUSY_SECONDS = 10
_QUERY_CANCELLED = "57014"
"""PostgreSQL's code for a statement cancelled by its timeout."""
_DRIVERS = {
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
}
"""The asynchronous driver for a URL that names none."""


class NewerDatabaseError(HistoryError):
    """A newer version has upgraded the schema."""


class SlowQueryError(HistoryError):
    """A statement exceeded its time limit."""


class Database:
    """One pool of connections for the whole web process."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._engine = _engine(url)
        self._writing = asyncio.Lock()
        """SQLite allows one writer at a time, and waiting for this lock is fairer than waiting for SQLite's."""

    async def open(self) -> None:
        """Upgrades the schema, or creates it the first time.

        Raises:
            NewerDatabaseError: its schema is a newer one.
            HistoryError: the database cannot be used. Both messages include the way out.
        """
        try:
            if file := self.file:
                _make_private(file)
            async with self._engine.begin() as connection:
                await connection.run_sync(bring_up_to_date)
        except NewerSchemaError as error:
            raise NewerDatabaseError(
                f"{self} was written by a newer version of Kimi-VL Chat: start that version, or restore a backup from "
                "before the update (docs/operations.md, Rollback)."
            ) from error
        except (SQLAlchemyError, OSError) as error:
            raise HistoryError(f"{self} cannot be used ({_reason(error)}): check KIMI_DATABASE_URL.") from error

    async def close(self) -> None:
        """Closes the connections."""
        await self._engine.dispose()

    @property
    def file(self) -> Path | None:
        """SQLite's file, if that is in use."""
        name = self._url.database
        return Path(name) if self._url.get_backend_name() == "sqlite" and name and name != ":memory:" else None

    @asynccontextmanager
    async def reading(self, seconds: float | None = None) -> AsyncIterator[AsyncConnection]:
        """A connection for reading, for at most `seconds`.

        Raises:
            SlowQueryError: it took longer.
            HistoryError: the database cannot be read.
        """
        ended: list[bool] = []
        try:
            async with self._engine.connect() as connection:
                if seconds is None:
                    yield connection
                    return
                async with self._limited(connection, seconds, ended):
                    yield connection
        except (SQLAlchemyError, OSError) as error:
            if ended or getattr(getattr(error, "orig", None), "sqlstate", None) == _QUERY_CANCELLED:
                raise SlowQueryError(f"{self} took longer than {seconds:g} s") from error
            raise HistoryError(f"{self} cannot be read ({_reason(error)})") from error

    @asynccontextmanager
    async def _limited(self, connection: AsyncConnection, seconds: float, ended: list[bool]) -> AsyncIterator[None]:
        """Makes the database itself cancel a slow statement, since cancelling the task would leave it running."""
        if self._url.get_backend_name() != "sqlite":
            await connection.exec_driver_sql(f"SET LOCAL statement_timeout = {round(seconds * 1000)}")
            yield
            return
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None

        def end() -> None:
            ended.append(True)
            # The driver's own `interrupt` would wait for the busy thread.
            raw._conn.interrupt()

        timer = asyncio.get_running_loop().call_later(seconds, end)
        try:
            yield
        finally:
            timer.cancel()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction: its changes are committed together, or not at all.

        Raises:
            HistoryError: they could not be written.
        """
        try:
            async with self._writing, self._engine.connect() as connection:
                await connection.execution_options(writes=True)
                async with connection.begin():
                    yield connection
        except (SQLAlchemyError, OSError) as error:
            raise HistoryError(f"{self} cannot be written ({_reason(error)})") from error

    def __str__(self) -> str:
        return f"The database of chats {self._url.render_as_string(hide_password=True)}"


def database_url(text: str, file: Path) -> URL:
    """The URL to use: `text` if set, else SQLite in `file`.

    Raises:
        HistoryError: `text` is not the URL of a database.
    """
    if not text:
        return URL.create("sqlite+aiosqlite", database=str(file))
    try:
        url = make_url(text)
    except ArgumentError as error:
        example = "postgresql://user:password@host/chats"
        raise HistoryError(f"KIMI_DATABASE_URL is not the address of a database; write it like {example}.") from error
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))


def _engine(url: URL) -> AsyncEngine:
    try:
        engine = create_async_engine(url, pool_pre_ping=url.get_backend_name() != "sqlite")
    except (SQLAlchemyError, ImportError) as error:
        raise HistoryError(
            f"The driver of {url.drivername} cannot be used ({_reason(error)}): KIMI_DATABASE_URL takes sqlite and "
            "postgresql, and other databases once their asynchronous driver is installed in .venv."
        ) from error
    if url.get_backend_name() == "sqlite":
        event.listen(engine.sync_engine, "connect", _set_up_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _: Any) -> None:
    # The driver would begin transactions implicitly and late, and could then lose the race for the write lock.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", f"busy_timeout={_BUSY_SECONDS * 1000}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _make_private(file: Path) -> None:
    """Creates the file, readable by its owner only; SQLite gives its companion files the same mode."""
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))


def _reason(error: BaseException) -> str:
    """The driver's message, without SQLAlchemy's statement and its values, which contain users' texts."""
    return " ".join(str(getattr(error, "orig", None) or error).split())[:300]
