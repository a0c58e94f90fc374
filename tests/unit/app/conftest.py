"""The databases that the history is tested on: SQLite, and a real PostgreSQL where it is installed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app.history.database import Database, database_url
from app.history.store import History
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


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """KIMI_DATABASE_URL: empty, and a PostgreSQL's."""
    return request.getfixturevalue("postgres").create() if request.param == "postgresql" else ""


@pytest.fixture
async def database(url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database with today's schema."""
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
