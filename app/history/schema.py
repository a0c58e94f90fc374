"""Which schema a database of chats has, and which is today's."""

from __future__ import annotations

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select

from app.history.migrations import MIGRATIONS
from app.history.tables import metadata

# As Alembic makes it, but for the name of its key.
_version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


def newest() -> str:
    """Today's revision: the files of the migrations begin with theirs."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def bring_up_to_date(connection: Connection) -> None:
    """Makes the tables, or changes them into today's; mostly there is nothing to do.

    Raises:
        NewerSchemaError: the database is ahead of us.
    """
    tables = inspect(connection).get_table_names()
    if not tables:
        _make(connection)
    elif _version.name not in tables or connection.scalar(select(_version.c.version_num)) != newest():
        from app.history.upgrading import upgrade  # noqa: PLC0415 - people wait for the page, and Alembic takes long

        upgrade(connection)


def _make(connection: Connection) -> None:
    """Today's tables in an empty database, as all the migrations together make them."""
    metadata.create_all(connection)
    _version.create(connection)
    connection.execute(insert(_version).values(version_num=newest()))
