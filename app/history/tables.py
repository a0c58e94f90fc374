"""The tables. A change here needs a migration in `migrations/versions`; a test compares the two.

Times are Unix times in seconds. JSON is stored as text, which works the same in every database.
"""

from __future__ import annotations

from sqlalchemy import Column, Double, ForeignKey, Index, Integer, MetaData, String, Table, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

users = Table(
    "users",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("identifier", String(255), nullable=False, unique=True),
    Column("created", Double, nullable=False),
    # The user's last settings by preset: JSON.
    Column("settings", Text, nullable=False),
    Column("preset", String(255), nullable=False),
)

threads = Table(
    "threads",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("user_id", String(36), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("updated", Double, nullable=False),
    Column("preset", String(255), nullable=False),
    # In the format that the page sent: JSON.
    Column("settings", Text, nullable=False),
    # The last turn of the branch that is shown.
    Column("last_turn", String(36), nullable=False),
    # Counts the changes of its turns and answers.
    Column("revision", Integer, nullable=False, server_default="0"),
    # 1 if it is shown above the others, in a group of its own.
    Column("pinned", Integer, nullable=False, server_default="0"),
    # The name of its first question's first file.
    Column("file", Text, nullable=False, server_default=""),
    Index("ix_threads_list", "user_id", "pinned", "updated", "id"),
)

turns = Table(
    "turns",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("thread_id", String(36), ForeignKey("threads.id", ondelete="CASCADE"), nullable=False, index=True),
    # The previous turn in its branch; empty for a first one.
    Column("parent", String(36), nullable=False),
    # The question's id on the page, shared by all versions of an edited question.
    Column("page_id", String(36), nullable=False),
    Column("asked", Double, nullable=False),
    Column("text", Text, nullable=False),
    # The chosen answer; empty means the last one.
    Column("chosen_answer", String(36), nullable=False, server_default=""),
    # The thread's revision at the last change of this turn or of one of its answers.
    Column("changed", Integer, nullable=False, server_default="0"),
)

pictures = Table(
    "pictures",
    metadata,
    Column("turn_id", String(36), ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    # Relative to the folder of uploads.
    Column("file", String(255), nullable=False),
    Column("name", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
)

answers = Table(
    "answers",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("turn_id", String(36), ForeignKey("turns.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    # The thread's revision at the last change of this answer's text or details; feedback does not count.
    Column("revision", Integer, nullable=False, server_default="1"),
    # The model's whole reasoning, and its whole answer.
    Column("reasoning", Text, nullable=False),
    Column("text", Text, nullable=False),
    # 1 helpful, 0 not.
    Column("feedback", Integer, nullable=True),
    Column("comment", Text, nullable=False),
    # The answer's other fields: JSON.
    Column("details", Text, nullable=False),
    # The answer's parts, in order: JSON. A part whose text is in the column of its kind has its length there.
    Column("parts", Text, nullable=False, server_default="[]"),
    # Tokens and times: JSON.
    Column("figures", Text, nullable=True),
)
