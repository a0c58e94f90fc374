"""The tables. A change here needs a migration in `migrations/versions`; a test holds the two against each other.

Times are Unix times in seconds. JSON is kept as text, which every database stores alike.
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
    # What the person set last, by preset: JSON.
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
    # As the page sent them: JSON.
    Column("settings", Text, nullable=False),
    # The last turn of the branch that is shown.
    Column("last_turn", String(36), nullable=False),
    # Counts the changes of its turns and answers.
    Column("revision", Integer, nullable=False, server_default="0"),
    Index("ix_threads_list", "user_id", "updated", "id"),
)

turns = Table(
    "turns",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("thread_id", String(36), ForeignKey("threads.id", ondelete="CASCADE"), nullable=False, index=True),
    # The turn before it in its branch; empty for a first one.
    Column("parent", String(36), nullable=False),
    # The page's id of the question, which the versions of an edited question share.
    Column("page_id", String(36), nullable=False),
    Column("asked", Double, nullable=False),
    Column("text", Text, nullable=False),
    # The answer that counts; empty: the last one.
    Column("chosen_answer", String(36), nullable=False, server_default=""),
    # The thread's revision at which this turn or one of its answers changed last.
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
    # Counts the changes of this answer's text and details; feedback is not one.
    Column("revision", Integer, nullable=False, server_default="1"),
    # All that the model thought, and all that it answered.
    Column("reasoning", Text, nullable=False),
    Column("text", Text, nullable=False),
    # 1 helpful, 0 not.
    Column("feedback", Integer, nullable=True),
    Column("comment", Text, nullable=False),
    # All else that is known of an answer: JSON.
    Column("details", Text, nullable=False),
    # What the answer is made of, in its order: JSON. A part whose words are in the column of its kind has their length.
    Column("parts", Text, nullable=False, server_default="[]"),
    # What it took: JSON.
    Column("figures", Text, nullable=True),
)
