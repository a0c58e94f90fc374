"""Revisions of threads, turns and answers; the chosen answer by its id instead of its place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_answers = sa.table("answers", sa.column("id"), sa.column("turn_id"), sa.column("position"))
_turns = sa.table("turns", sa.column("id"), sa.column("chosen"), sa.column("chosen_answer"))


def upgrade() -> None:
    """Adds the columns, and names each chosen answer by its id.

    Without Alembic's batch mode: that drops and rebuilds a table, and SQLite would delete the rows that refer to it.
    """
    op.add_column("threads", sa.Column("revision", sa.Integer, nullable=False, server_default="0"))
    op.add_column("turns", sa.Column("chosen_answer", sa.String(36), nullable=False, server_default=""))
    op.add_column("turns", sa.Column("changed", sa.Integer, nullable=False, server_default="0"))
    op.add_column("answers", sa.Column("revision", sa.Integer, nullable=False, server_default="1"))
    earlier = _answers.alias()
    place = (
        sa.select(sa.func.count())
        .where(earlier.c.turn_id == _answers.c.turn_id, earlier.c.position < _answers.c.position)
        .correlate(_answers)
        .scalar_subquery()
    )
    chosen = (
        sa.select(sa.func.min(_answers.c.id))
        .where(_answers.c.turn_id == _turns.c.id, place == _turns.c.chosen)
        .correlate(_turns)
        .scalar_subquery()
    )
    op.execute(sa.update(_turns).values(chosen_answer=sa.func.coalesce(chosen, "")))
    op.execute("ALTER TABLE turns DROP COLUMN chosen")
