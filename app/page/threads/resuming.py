"""A thread of the history back on the page: its conversation in memory, its messages as Chainlit shows them.

A page gets the last screen of a chat, and earlier turns when it asks for them. So the views of a chat (`Chat.views`)
are those of the turns that its page has been given; other turns have none.
"""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import chainlit as cl
from chainlit.element import ElementDict
from chainlit.session import WebsocketSession
from chainlit.step import StepDict
from chainlit.types import ThreadDict

from app.history.store import ThreadGoneError
from app.i18n import text
from app.page.answer.frame import NOTE
from app.page.answer.view import AnswerView
from app.page.chat import Chat
from app.page.threads.data_layer import iso
from app.page.threads.saving import Keeper
from app.talk.conversation import Picture, Turn, new_id

PICTURE_URL = "/project/thread/{thread}/picture/{file}"
SCREEN = 30, 100_000
"""How many turns, and characters of them, a page gets at once; more than one screen of any window."""
_BRANCH = 200, 1_000_000
"""How much may follow the question whose branch is chosen, for the page to stay with it and get all of that."""


async def resume(keeper: Keeper, session: WebsocketSession, chat: Chat, thread: ThreadDict, author: str) -> None:
    """Fills `thread`, of which Chainlit has the head only, with the last screen of it.

    A browser that comes back to a chat that is still here finds it as it is, in the middle of an answer also.

    Raises:
        ThreadGoneError: it was deleted a moment ago.
        HistoryError: the database does not answer.
    """
    await load(keeper, session, chat)
    if not chat.conversation.turns and not await keeper.has_thread_of(session):
        raise ThreadGoneError(session.thread_id)
    screen = _last(chat.conversation.turns, SCREEN)
    # A page that has been given these views before keeps the turns above them.
    page = {**page_of(session, chat, screen, author), "goes_on": chat.shown}
    # More than Chainlit knows of: public/earlier.js takes it.
    thread.update(page)  # type: ignore[typeddict-item]
    chat.shown = True


async def load(keeper: Keeper, session: WebsocketSession, chat: Chat) -> None:
    """Gets the conversation of a session that goes on with a kept thread, unless it has been got before.

    A question that was typed while the server was away comes in before Chainlit resumes its thread.

    Raises:
        HistoryError: the database does not answer.
    """
    async with chat.loading:
        if chat.conversation.turns or not session.thread_id_to_resume or not session.user:
            return
        found = await keeper.load(session)
        if found is None:
            return
        turns = [*found.conversation.turns, *found.conversation.aside]
        chat.lost = await asyncio.to_thread(leave_out_lost_pictures, turns)
        chat.size = await asyncio.to_thread(_size, turns)
        chat.conversation, chat.copy = found.conversation, found.copy
        session.chat_settings = session.chat_settings or found.settings
        session.chat_profile = session.chat_profile or found.preset


async def show_earlier(session: WebsocketSession, chat: Chat, first: str, author: str) -> None:
    """Puts the turns before `first`, which is the page's id of a question, above it."""
    branch = chat.conversation.turns
    at = next((n for n, turn in enumerate(branch) if turn.page_id == first), 0)
    page = page_of(session, chat, _last(branch[:at], SCREEN), author)
    await cl.context.emitter.emit("earlier_turns", {**page, "before": first})


async def show_branch(session: WebsocketSession, chat: Chat, turn: Turn, author: str) -> None:
    """Shows the branch that has just been switched to, from the question before `turn` on.

    Where too much follows `turn`, the page gets the last screen of the branch.
    """
    branch = chat.conversation.turns
    rest: Sequence[Turn] = branch[max(0, branch.index(turn) - 1) :]
    if len(_last(rest, _BRANCH)) < len(rest):
        rest = _last(branch, SCREEN)
    page = page_of(session, chat, rest, author)
    await cl.context.emitter.emit("resume_thread", {**page, "id": session.thread_id, "goes_on": True})


def page_of(
    session: WebsocketSession, chat: Chat, turns: Sequence[Turn], author: str, *, awaited: bool = False
) -> dict[str, Any]:
    """These turns of the branch that is shown, one after the other, as the page takes them.

    A turn that had no view gets one. `earlier` is how many turns the branch has before them. `awaited`: another session
    may be about to answer one that has no answer yet.
    """
    name = str(session.chat_settings.get("agent_name") or author)
    places = chat.conversation.places(turns)
    steps: list[StepDict] = []
    elements: list[ElementDict] = []
    actions: list[dict[str, Any]] = []
    for turn in turns:
        view = chat.views.get(turn.id)
        if view is None:
            view = chat.views[turn.id] = AnswerView(turn.id, new_id(), chat.language, name)
            view.place = places[turn.id]
            shows_thinking = session.chat_settings.get("show_thinking") is not False
            view.restore(turn, show_thinking=shows_thinking, awaited=awaited)
        view.place = places[turn.id]
        steps += [_question(turn, session), _run(turn, view, session), *_notes(turn, view, chat), *view.steps()]
        elements += [_element(picture, turn, session.thread_id) for picture in turn.pictures]
        actions += [action.to_dict() for action in view.buttons(turn)]
    earlier = chat.conversation.index(turns[0].id) if turns else 0
    return {"steps": steps, "elements": elements, "actions": actions, "earlier": earlier}


def _last(turns: Sequence[Turn], room: tuple[int, int]) -> Sequence[Turn]:
    """The last turns, as many as there is room for: a number of turns, and of characters. At least one."""
    most, characters = room
    start = len(turns)
    while start and len(turns) - start < most:
        characters -= _length(turns[start - 1])
        if characters < 0 and start < len(turns):
            break
        start -= 1
    return turns[start:]


def _length(turn: Turn) -> int:
    return len(turn.text) + (len(turn.answer.reasoning) + len(turn.answer.text) if turn.answer else 0)


def _size(turns: Iterable[Turn]) -> int:
    """The bytes of memory that their texts take: one letter outside Latin-1 doubles those of a text, or more."""
    texts = [[turn.text, *(words for one in turn.answers for words in (one.reasoning, one.text))] for turn in turns]
    return sum(sys.getsizeof(words) for some in texts for words in some)


def leave_out_lost_pictures(turns: Iterable[Turn]) -> dict[str, int]:
    """Takes pictures out whose files are gone (KIMI_UPLOAD_DAYS); the others are in use again.

    Returns:
        How many were lost, by the turn's id, of the turns that lost any.
    """
    lost = {}
    for turn in turns:
        there = [picture for picture in turn.pictures if _in_use(Path(picture.path))]
        if len(there) < len(turn.pictures):
            lost[turn.id] = len(turn.pictures) - len(there)
            turn.pictures = there
    return lost


def _in_use(path: Path) -> bool:
    try:
        os.utime(path)
    except OSError:
        return False
    return True


def _question(turn: Turn, session: WebsocketSession) -> StepDict:
    return _step(turn.page_id, session, turn, type="user_message", name="user", output=turn.text)


def _run(turn: Turn, view: AnswerView, session: WebsocketSession) -> StepDict:
    """Chainlit's frame around all that answers a question; the feedback is its."""
    run = _step(view.parent_id, session, turn, type="run", name="on_message", parentId=turn.page_id)
    if view.running:
        run["end"] = None
    run["feedback"] = view.feedback(turn)
    return run


def _notes(turn: Turn, view: AnswerView, chat: Chat) -> list[StepDict]:
    lost = chat.lost.get(turn.id, 0)
    if not lost:
        return []
    words = text("pictures_lost", chat.language, count=lost)
    note_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{view.parent_id} lost"))
    return [_step(note_id, None, turn, type=NOTE, name=words, parentId=view.parent_id)]


def _step(step_id: str, session: WebsocketSession | None, turn: Turn, **values: Any) -> StepDict:
    when = iso(turn.asked)
    step: dict[str, Any] = {
        "id": step_id,
        "threadId": session.thread_id if session else None,
        "createdAt": when,
        "start": when,
        "end": when,
        "streaming": False,
        "isError": False,
        "showInput": False,
        "input": "",
        "output": "",
        "metadata": {},
        **values,
    }
    # The type checker cannot tell a StepDict's keys among `values`.
    return step  # type: ignore[return-value]


def _element(picture: Picture, turn: Turn, thread_id: str) -> ElementDict:
    file = Path(picture.path).name
    return {
        "id": new_id(),
        "threadId": thread_id,
        "type": "image",
        "url": PICTURE_URL.format(thread=quote(thread_id), file=quote(file)),
        "name": picture.name,
        "display": "inline",
        "size": "medium",
        "forId": turn.page_id,
        "mime": "image/png" if file.endswith(".png") else "image/jpeg",
    }
