"""Pinned threads, and the name of the first question's file, which the list shows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_threads = sa.table("threads", sa.column("id"), sa.column("file", sa.Text))
_turns = sa.table("turns", sa.column("id"), sa.column("thread_id"), sa.column("parent"))
_pictures = sa.table("pictures", sa.column("turn_id"), sa.column("name", sa.Text), sa.column("position"))


def upgrade() -> None:
    """Adds the columns, fills in the files of existing threads, and lets the list's index begin with the pins.

    Without Alembic's batch mode, as in 0002.
    """
    op.add_column("threads", sa.Column("pinned", sa.Integer, nullable=False, server_default="0"))
    op.add_column("threads", sa.Column("file", sa.Text, nullable=False, server_default=""))
    first = (
        sa.select(sa.func.min(_pictures.c.name))
        .select_from(_pictures.join(_turns, _pictures.c.turn_id == _turns.c.id))
        .where(_turns.c.thread_id == _threads.c.id, _turns.c.parent == "", _pictures.c.position == 0)
        .correlate(_threads)
        .scalar_subquery()
    )
    op.execute(sa.update(_threads).values(file=sa.func.coalesce(first, "")))
    op.drop_index("ix_threads_list", "threads")
    op.create_index("ix_threads_list", "threads", ["user_id", "pinned", "updated", "id"])
