"""The databases that the history is tested on: SQLite, and a real PostgreSQL where it is installed."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app.history.database import Database, database_url
from app.history.store import History
from app.history.tables import metadata
from app.history.users import Users
from tests.instruments.postgres import Postgres, binaries, running_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL for the tests."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed; on Debian or Ubuntu: apt-get install postgresql")
    with running_postgres(programs) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_made(postgres: Postgres) -> str:
    """The URL of a database with today's tables. All tests share it: a new one is 300 files."""
    url = postgres.create()
    _make(url, Path())
    return url


@pytest.fixture(scope="session")
def sqlite_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with today's tables."""
    file = tmp_path_factory.mktemp("made") / "chat.db"
    _make("", file)
    return file


def _make(url: str, file: Path) -> None:
    async def make() -> None:
        database = Database(database_url(url, file))
        await database.open()
        await database.close()

    asyncio.run(make())


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which database."""
    return str(request.param)


@pytest.fixture
def bare_url(kind: str, request: pytest.FixtureRequest) -> str:
    """KIMI_DATABASE_URL, for a test that makes or changes tables: empty, and a PostgreSQL's."""
    return request.getfixturevalue("postgres").create() if kind == "postgresql" else ""


@pytest.fixture
async def bare_database(bare_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """A database in which there was nothing until it was opened."""
    database = Database(database_url(bare_url, tmp_path / "chat.db"))
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """KIMI_DATABASE_URL, for a test that uses the tables: empty, and a PostgreSQL's that has them."""
    if kind != "postgresql":
        yield ""
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    made: str = request.getfixturevalue("postgres_made")
    yield made
    postgres.empty(made.rpartition("/")[2], [table.name for table in reversed(metadata.sorted_tables)])


@pytest.fixture
async def database(url: str, sqlite_made: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database with today's tables."""
    if not url:
        shutil.copy(sqlite_made, tmp_path / "chat.db")
    database = Database(database_url(url, tmp_path / "chat.db"))
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def history(database: Database, tmp_path: Path) -> History:
    """The threads in it."""
    (tmp_path / "uploads").mkdir()
    return History(database, tmp_path / "uploads")


@pytest.fixture
def users(database: Database) -> Users:
    """The people in it."""
    return Users(database)
