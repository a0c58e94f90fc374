"""The conditions that limit a statement to its owner's threads, turns and answers."""

from __future__ import annotations

from sqlalchemy import BindParameter, ColumnElement, Select, select, tuple_

from app.history.tables import answers, threads, turns

Id = str | BindParameter[str]
"""An id, or its placeholder in a prepared statement."""


def own_thread(user_id: Id, thread_id: Id) -> ColumnElement[bool]:
    """On `threads`: this one, if it is this user's."""
    return (threads.c.id == thread_id) & (threads.c.user_id == user_id)


def own_threads(pairs: list[tuple[str, str]]) -> ColumnElement[bool]:
    """On `threads`: those in `pairs` of a user's id and a thread's id, if they are that user's."""
    return tuple_(threads.c.user_id, threads.c.id).in_(pairs)


def own_turns(user_id: Id, thread_id: Id) -> ColumnElement[bool]:
    """On `turns`: those of this thread, if it is this user's."""
    return turns.c.thread_id.in_(select(threads.c.id).where(own_thread(user_id, thread_id)))


def own_turn_ids(user_id: Id, thread_id: Id) -> Select[tuple[str]]:
    """The ids of this thread's turns, if it is this user's: `turn_id` of pictures and answers must be among them."""
    return select(turns.c.id).where(own_turns(user_id, thread_id))


def own_answer(user_id: str, answer_id: str) -> ColumnElement[bool]:
    """On `answers`: this one, if it is in any of this user's threads."""
    own = select(turns.c.id).join(threads).where(threads.c.user_id == user_id)
    return (answers.c.id == answer_id) & answers.c.turn_id.in_(own)
