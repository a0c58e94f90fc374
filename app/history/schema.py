"""The schema version of a database of chats, and the current one."""

from __future__ import annotations

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select

from app.history.migrations import MIGRATIONS
from app.history.tables import metadata

# As Alembic creates it, except for the name of its key.
_version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


def newest() -> str:
    """The current revision, read from the names of the migration files."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def bring_up_to_date(connection: Connection) -> None:
    """Creates the tables, or upgrades them; usually there is nothing to do.

    Raises:
        NewerSchemaError: the database has a newer schema.
    """
    tables = inspect(connection).get_table_names()
    if not tables:
        _make(connection)
    elif _version.name not in tables or connection.scalar(select(_version.c.version_num)) != newest():
        from app.history.upgrading import upgrade  # noqa: PLC0415 - Alembic is slow to import, and users wait for the page

        upgrade(connection)


def _make(connection: Connection) -> None:
    """Creates the current tables in an empty database, as all migrations together would."""
    metadata.create_all(connection)
    _version.create(connection)
    connection.execute(insert(_version).values(version_num=newest()))
