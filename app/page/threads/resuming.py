"""Reopens a thread from the history: loads its conversation and builds its messages as Chainlit shows them.

A page gets the last screen of a chat, and earlier turns on request. So only the turns that its page has received have
a view (`Chat.views`).
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

from app.files.pictures import media_type
from app.history.store import ThreadGoneError
from app.i18n import text
from app.page.answer.frame import NOTE
from app.page.answer.view import AnswerView
from app.page.chat import Chat
from app.page.threads.data_layer import iso
from app.page.threads.saving import Keeper
from app.talk.conversation import Picture, Turn, new_id
from app.talk.parts import ToolResult

PICTURE_URL = "/project/thread/{thread}/picture/{file}"
SCREEN = 30, 100_000
"""How many turns, and characters in them, a page gets at once; more than fits on any screen."""
_PLACE_BYTES = 500
"""The memory that the place of a line takes, with its text."""
_BRANCH = 200, 1_000_000
"""The same limits for switching to another branch: if more follows its question, the page gets the last screen."""


async def resume(keeper: Keeper, session: WebsocketSession, chat: Chat, thread: ThreadDict, author: str) -> None:
    """Fills `thread`, of which Chainlit has only the head, with its last screen.

    A browser that returns to a chat still in memory gets its current state, even in the middle of an answer.

    Raises:
        ThreadGoneError: it was deleted a moment ago.
        HistoryError: the database does not answer.
    """
    await load(keeper, session, chat)
    if not chat.conversation.turns and not await keeper.has_thread_of(session):
        raise ThreadGoneError(session.thread_id)
    screen = _last(chat.conversation.turns, SCREEN)
    # A page that has received these views before keeps the turns above them.
    page = {**page_of(session, chat, screen, author), "goes_on": chat.shown}
    # Keys beyond Chainlit's: public/earlier.js reads them.
    thread.update(page)  # type: ignore[typeddict-item]
    chat.shown = True


async def load(keeper: Keeper, session: WebsocketSession, chat: Chat) -> None:
    """Loads the conversation of a session that continues a saved thread, unless it is already loaded.

    A question typed while the server was down arrives before Chainlit resumes its thread.

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
        chat.lost = await asyncio.to_thread(leave_out_lost_pictures, turns, keeper.history.uploads / session.thread_id)
        chat.size = await asyncio.to_thread(_size, turns)
        chat.conversation, chat.copy = found.conversation, found.copy
        session.chat_settings = session.chat_settings or found.settings
        session.chat_profile = session.chat_profile or found.preset


async def show_earlier(session: WebsocketSession, chat: Chat, first: str, author: str) -> None:
    """Sends the turns before the question whose id on the page is `first`."""
    branch = chat.conversation.turns
    at = next((n for n, turn in enumerate(branch) if turn.page_id == first), 0)
    page = page_of(session, chat, _last(branch[:at], SCREEN), author)
    await cl.context.emitter.emit("earlier_turns", {**page, "before": first})


async def show_branch(session: WebsocketSession, chat: Chat, turn: Turn, author: str) -> None:
    """Shows the newly chosen branch, from the question before `turn` on.

    If too much follows `turn`, the page gets the last screen of the branch.
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
    """Consecutive turns of the current branch, in the format of the front end.

    A turn without a view gets one. `earlier` counts the turns of the branch before them. `awaited`: another session
    may be about to answer a turn that has no answer yet.
    """
    name = str(session.chat_settings.get("agent_name") or author)
    places = chat.conversation.places(turns)
    steps: list[StepDict] = []
    elements: list[ElementDict] = []
    actions: list[dict[str, Any]] = []
    for turn in turns:
        view = chat.views.get(turn.id)
        if view is None:
            view = chat.views[turn.id] = AnswerView(turn.id, new_id(), chat.language, name, admin=chat.admin)
            view.place = places[turn.id]
            shows_thinking = session.chat_settings.get("show_thinking") is not False
            view.restore(turn, show_thinking=shows_thinking, awaited=awaited)
        view.place = places[turn.id]
        view.knows(chat.conversation.pictures_until(turn))
        steps += [_question(turn, session), _run(turn, view, session), *_notes(turn, view, chat), *view.steps()]
        elements += [_element(picture, turn, session.thread_id) for picture in turn.pictures]
        elements += view.elements(session.thread_id)
        actions += [action.to_dict() for action in view.buttons(turn)]
    earlier = chat.conversation.index(turns[0].id) if turns else 0
    return {"steps": steps, "elements": elements, "actions": actions, "earlier": earlier}


def _last(turns: Sequence[Turn], room: tuple[int, int]) -> Sequence[Turn]:
    """The last turns that fit into `room`, a number of turns and of characters; at least one."""
    most, characters = room
    start = len(turns)
    while start and len(turns) - start < most:
        characters -= _length(turns[start - 1])
        if characters < 0 and start < len(turns):
            break
        start -= 1
    return turns[start:]


def _length(turn: Turn) -> int:
    return len(turn.text) + (sum(len(part.text) for part in turn.answer.parts) if turn.answer else 0)


def _size(turns: Sequence[Turn]) -> int:
    """The bytes of memory that the texts take: a single letter outside Latin-1 at least doubles a text's size."""
    answers = [answer for turn in turns for answer in turn.answers]
    texts = [*(turn.text for turn in turns), *(part.text for answer in answers for part in answer.parts)]
    places = sum(len(picture.places) for answer in answers for picture in answer.places)
    return sum(map(sys.getsizeof, texts)) + _PLACE_BYTES * places


def leave_out_lost_pictures(turns: Iterable[Turn], folder: Path) -> dict[str, int]:
    """Removes pictures whose files are gone (KIMI_UPLOAD_DAYS), and marks the other files as in use.

    `folder` is the thread's, for the pictures in results of tools.

    Returns:
        How many pictures a turn lost, by its id, for turns that lost any.
    """
    lost = {}
    for turn in turns:
        there = [picture for picture in turn.pictures if _in_use(Path(picture.path))]
        if len(there) < len(turn.pictures):
            lost[turn.id] = len(turn.pictures) - len(there)
            turn.pictures = there
        for result in (step for answer in turn.answers for step in answer.steps if isinstance(step, ToolResult)):
            result.pictures = [picture for picture in result.pictures if _in_use(folder / picture.file)]
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
    """Chainlit's step around an answer; it carries the feedback."""
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
    # The type checker cannot match `values` to a StepDict's keys.
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
        "mime": media_type(file),
    }
