"""The schema's history, for Alembic: `database.Database.open` brings a database up to date at every start."""
