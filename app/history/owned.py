"""Whose rows a statement may touch: the conditions on threads, turns and answers, each of which names the owner."""

from __future__ import annotations

from sqlalchemy import BindParameter, ColumnElement, Select, select, tuple_

from app.history.tables import answers, threads, turns

Id = str | BindParameter[str]
"""An id, or its place in a statement that is made once and gets it when it is carried out."""


def own_thread(user_id: Id, thread_id: Id) -> ColumnElement[bool]:
    """On `threads`: this one, if it is this person's."""
    return (threads.c.id == thread_id) & (threads.c.user_id == user_id)


def own_threads(pairs: list[tuple[str, str]]) -> ColumnElement[bool]:
    """On `threads`: those that are their person's, of pairs of a person's id and a thread's."""
    return tuple_(threads.c.user_id, threads.c.id).in_(pairs)


def own_turns(user_id: Id, thread_id: Id) -> ColumnElement[bool]:
    """On `turns`: those of this thread, if it is this person's."""
    return turns.c.thread_id.in_(select(threads.c.id).where(own_thread(user_id, thread_id)))


def own_turn_ids(user_id: Id, thread_id: Id) -> Select[tuple[str]]:
    """The ids of this thread's turns, if it is this person's: what `turn_id` of pictures and answers must be in."""
    return select(turns.c.id).where(own_turns(user_id, thread_id))


def own_answer(user_id: str, answer_id: str) -> ColumnElement[bool]:
    """On `answers`: this one, if it is in any thread of this person."""
    own = select(turns.c.id).join(threads).where(threads.c.user_id == user_id)
    return (answers.c.id == answer_id) & answers.c.turn_id.in_(own)
