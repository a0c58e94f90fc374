"""The schema's history, for Alembic: `database.Database.open` upgrades a database at every start."""

from __future__ import annotations

from pathlib import Path

MIGRATIONS = Path(__file__).parent


class NewerSchemaError(Exception):
    """A later version of this program has written the database."""
