"""Which schema a database of chats has, and which is today's."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect

MIGRATIONS = Path(__file__).parent / "migrations"
_TABLE = "alembic_version"


class NewerSchemaError(Exception):
    """A later version of this program has written the database."""


def newest() -> str:
    """Today's revision: the files of the migrations begin with theirs."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def bring_up_to_date(connection: Connection) -> None:
    """Makes the tables, or changes them into today's; mostly there is nothing to do.

    Raises:
        NewerSchemaError: the database is ahead of us.
    """
    if _revision(connection) == newest():
        return
    from app.history.upgrading import upgrade  # noqa: PLC0415 - nothing to do is no reason to wait for Alembic

    upgrade(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_TABLE):
        return None
    return connection.exec_driver_sql(f"SELECT version_num FROM {_TABLE}").scalar()  # noqa: S608 - our own name
