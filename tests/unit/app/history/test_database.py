"""The schema, database URLs, and the errors for unusable databases."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, text

from app.errors import HistoryError
from app.history.database import Database, database_url
from app.history.opening import until_open
from app.history.schema import bring_up_to_date, newest
from app.history.tables import metadata, threads
from app.history.upgrading import upgrade
from engine.supervise.page_log import PageLog


async def test_a_new_database_has_the_tables_that_the_code_uses_and_nothing_to_migrate(bare_database: Database) -> None:
    async with bare_database.writing() as connection:
        made = await connection.run_sync(_differences)
        await connection.run_sync(upgrade)
        assert made == await connection.run_sync(_differences) == []


async def test_the_migrations_make_the_same_tables(bare_database: Database) -> None:
    async with bare_database.writing() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.execute(text("DROP TABLE alembic_version"))
        # A foreign table: the database is not empty, so the migrations create ours.
        await connection.execute(text("CREATE TABLE another (x INTEGER)"))
        await connection.run_sync(bring_up_to_date)
        await connection.execute(text("DROP TABLE another"))
        assert await connection.run_sync(_differences) == []
        assert (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar() == newest()


def _differences(connection: Connection) -> list[object]:
    return compare_metadata(MigrationContext.configure(connection), metadata)  # type: ignore[no-any-return]


async def test_opening_it_again_changes_nothing(database: Database) -> None:
    await database.open()


async def test_a_database_of_a_newer_version_is_refused_in_a_sentence(bare_database: Database) -> None:
    async with bare_database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(HistoryError, match="newer version"):
        await bare_database.open()


async def test_a_failed_change_is_undone_and_reported(database: Database) -> None:
    with pytest.raises(HistoryError, match="cannot be written"):
        async with database.writing() as connection:
            await connection.execute(insert(threads).values(id="x", user_id="nobody"))
    async with database.reading() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM threads"))).scalar() == 0


async def test_an_error_does_not_repeat_what_people_wrote(database: Database) -> None:
    values = {"id": "x", "user_id": "nobody", "name": "a secret", "preset": "", "created": 0, "updated": 0}
    with pytest.raises(HistoryError) as error:
        async with database.writing() as connection:
            await connection.execute(insert(threads).values(**values, settings="{}", last_turn=""))
    assert "secret" not in str(error.value)


async def test_sqlite_keeps_its_file_private_and_reads_beside_a_writer(tmp_path: Path) -> None:
    file = tmp_path / "chat.db"
    database = Database(database_url("", file))
    await database.open()
    assert file.stat().st_mode & 0o777 == 0o600
    async with database.writing() as writer:
        await writer.execute(text("CREATE TABLE x (y INTEGER)"))
        async with database.reading() as reader:
            assert (await reader.execute(text("PRAGMA journal_mode"))).scalar() == "wal"
            assert (await reader.execute(text("PRAGMA foreign_keys"))).scalar() == 1
            assert (await reader.execute(text("SELECT count(*) FROM threads"))).scalar() == 0
    await database.close()


async def test_a_file_that_is_no_database_is_refused_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "chat.db"
    file.write_text("not a database " * 100)
    database = Database(database_url("", file))
    with pytest.raises(HistoryError, match="cannot be used"):
        await database.open()
    await database.close()


async def test_another_program_that_writes_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "chat.db"
    database = Database(database_url("", file))
    await database.open()
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("COMMIT")
    async with database.writing() as connection:
        await connection.execute(text("CREATE TABLE x (y INTEGER)"))
    other.close()
    await database.close()


def test_an_address_gets_the_driver_that_is_there(tmp_path: Path) -> None:
    file = tmp_path / "a b" / "chat.db"
    assert database_url("", file).database == str(file)
    for given, driver in {
        "postgresql://u:p@h/d": "postgresql+asyncpg",
        "postgres://u:p@h/d": "postgresql+asyncpg",
        "sqlite:////x/y.db": "sqlite+aiosqlite",
        "mysql+asyncmy://u@h/d": "mysql+asyncmy",
    }.items():
        assert database_url(given, file).drivername == driver


@pytest.mark.parametrize("url", ["no address", "://", "postgresql:"])
def test_no_address_is_refused_in_a_sentence(url: str, tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="KIMI_DATABASE_URL is not the address"):
        database_url(url, tmp_path / "chat.db")


def test_a_driver_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"driver of mysql\+asyncmy"):
        Database(database_url("mysql+asyncmy://u:secret@h/d", tmp_path / "chat.db"))


async def test_a_server_that_does_not_answer_is_reported_without_its_password(tmp_path: Path) -> None:
    database = Database(database_url("postgresql://anna:secret@127.0.0.1:1/chats", tmp_path / "chat.db"))
    with pytest.raises(HistoryError, match="cannot be used") as error:
        await database.open()
    assert "secret" not in str(error.value)
    await database.close()


async def test_a_database_that_comes_up_later_is_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "chats.db"
    file.mkdir()
    late = Database(database_url("", file))
    waiting = asyncio.create_task(until_open(late, again=0.01))
    while not (said := capsys.readouterr().out):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    file.rmdir()
    await waiting
    await late.close()
    log = PageLog()
    log.feed(said)
    assert log.waits
    assert "cannot be used" in str(log.waits.values["text"])
    assert (log.failure, capsys.readouterr().out) == (None, "")
