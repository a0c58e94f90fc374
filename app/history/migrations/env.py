"""Run by Alembic. The connection comes from `database.py`."""

from __future__ import annotations

from alembic import context

from app.history.tables import metadata

connection = context.config.attributes["connection"]
# SQLite alters a table by creating a new one, which batch mode does.
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
