"""An answer's parts and figures. Existing answers keep their line, since their figures are unknown."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_answers = sa.table("answers", sa.column("parts"), sa.column("reasoning", sa.Text), sa.column("text", sa.Text))


def upgrade() -> None:
    """Adds the columns, and lists the parts of each answer: its reasoning, if there was any, and then its text.

    Without Alembic's batch mode, as in 0002.
    """
    op.add_column("answers", sa.Column("parts", sa.Text, nullable=False, server_default="[]"))
    op.add_column("answers", sa.Column("figures", sa.Text, nullable=True))
    thought, answered = (_part(name) for name in ("reasoning", "text"))
    both = (_answers.c.reasoning != "") & (_answers.c.text != "")
    comma = sa.case((both, ","), else_="")
    op.execute(sa.update(_answers).values(parts=sa.literal("[") + thought + comma + answered + "]"))


def _part(name: str) -> sa.ColumnElement[str]:
    """A part as JSON; empty if its text is."""
    column = _answers.c[name]
    length = sa.cast(sa.func.length(column), sa.String)
    return sa.case((column != "", sa.literal(f'{{"kind":"{name}","length":') + length + "}"), else_="")
