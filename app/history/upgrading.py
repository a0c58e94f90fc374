"""Upgrades the schema with Alembic, which takes longer to import than the rest of the history."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from app.history.migrations import MIGRATIONS, NewerSchemaError


def upgrade(connection: Connection, to: str = "head") -> None:
    """Creates the tables, or migrates them to the revision `to`.

    Raises:
        NewerSchemaError: the database has a revision unknown to this version.
    """
    config = Config()
    config.set_main_option("script_location", _escaped(MIGRATIONS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, to)
    except CommandError as error:
        raise NewerSchemaError(str(error)) from error


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
