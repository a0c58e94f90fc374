"""A thread of the history back on the page: its conversation in memory, its messages as Chainlit shows them."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

from chainlit.chat_context import chat_contexts
from chainlit.element import ElementDict
from chainlit.message import Message
from chainlit.session import WebsocketSession
from chainlit.step import StepDict
from chainlit.types import ThreadDict

from app.chats import Chat
from app.conversation import Picture, Turn, new_id
from app.history.layer import iso
from app.history.store import History, ThreadGoneError
from app.i18n import text
from app.view import NOTE, AnswerView

PICTURE_URL = "/project/thread/{thread}/picture/{file}"


async def resume(history: History, session: WebsocketSession, chat: Chat, thread: ThreadDict, author: str) -> None:
    """Fills `thread`, of which Chainlit has the head only, with the steps and pictures to be shown.

    A browser that comes back to a chat that is still here finds it as it is, in the middle of an answer also.

    Raises:
        ThreadGoneError: it was deleted a moment ago.
        HistoryError: the database does not answer.
    """
    await load(history, session, chat)
    if not chat.conversation.turns and await history.owner(session.thread_id) is None:
        raise ThreadGoneError(session.thread_id)
    thread["steps"], thread["elements"] = show(session, chat, author)


async def load(history: History, session: WebsocketSession, chat: Chat) -> None:
    """Gets the conversation of a session that goes on with a kept thread, unless it has been got before.

    A question that was typed while the server was away comes in before Chainlit resumes its thread.

    Raises:
        HistoryError: the database does not answer.
    """
    async with chat.loading:
        if chat.conversation.turns or not session.thread_id_to_resume or not session.user:
            return
        found = await history.load(session.thread_id)
        if found is None or found.owner != session.user.identifier:
            return
        chat.conversation, chat.kept = found.conversation, True
        session.chat_settings = session.chat_settings or found.settings
        session.chat_profile = session.chat_profile or found.preset
        for turn in [*chat.conversation.turns, *chat.conversation.aside]:
            chat.lost[turn.id] = _leave_out_lost_pictures(turn)


def show(session: WebsocketSession, chat: Chat, author: str) -> tuple[list[StepDict], list[ElementDict]]:
    """The steps and pictures of the branch that is shown; a turn that had no view gets one."""
    settings = session.chat_settings
    steps: list[StepDict] = []
    elements: list[ElementDict] = []
    messages: list[Message] = []
    for turn in chat.conversation.turns:
        view = chat.views.get(turn.id)
        if view is None:
            name = settings.get("agent_name") or author
            view = chat.views[turn.id] = AnswerView(turn.id, new_id(), chat.language, str(name))
            view.restore(turn, show_thinking=settings.get("show_thinking") is not False)
        question = _question(turn, session)
        steps += [question, _run(turn, view, session), *_notes(turn, view, chat), *view.steps()]
        elements += [_element(picture, turn, session.thread_id) for picture in turn.pictures]
        messages += [Message.from_dict(question), *view.messages()]
    # What Chainlit takes off the page when a question is edited: all that comes after it here.
    chat_contexts[session.id] = messages
    return steps, elements


def _leave_out_lost_pictures(turn: Turn) -> int:
    """Takes pictures out whose files are gone (KIMI_UPLOAD_DAYS); the others are in use again. Returns how many."""
    there = [picture for picture in turn.pictures if _in_use(Path(picture.path))]
    lost = len(turn.pictures) - len(there)
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
