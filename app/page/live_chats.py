"""The live chats by browser session, and operations on several of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from chainlit.session import WebsocketSession, ws_sessions_id, ws_sessions_sid
from chainlit.user_session import user_sessions

from app.access.signed_in import owner_name
from app.history.copies import Copy
from app.i18n import language_of
from app.page.chat import Chat
from app.talk.conversation import Answer

Session = WebsocketSession
"""A browser window, in Chainlit's terms."""
_chats: WeakKeyDictionary[Session, Chat] = WeakKeyDictionary()
MOST_IN_BACKGROUND = 8
"""The most chats of one user that may be answered in the background when another question is asked."""
_left: WeakSet[Session] = WeakSet()
"""Sessions whose page turned to another chat while this one was answered."""


def chat_of(session: Session) -> Chat:
    """The session's chat, created on first use; it lives as long as the session."""
    chat = _chats.get(session)
    if chat is None:
        chat = _chats[session] = Chat(language_of(session.language))
    return chat


def session_of(sid: str) -> Session | None:
    """The session connected through this Socket.IO socket."""
    session: Session | None = WebsocketSession.get(sid)
    return session


def all_sessions() -> list[Session]:
    """The sessions of all windows, including those closed within the last hour; oldest first."""
    return list(ws_sessions_id.values())


async def forget(session: Session) -> None:
    """Drops a session with its chat and its files."""
    user_sessions.pop(session.id, None)
    await session.delete()
    # Tasks that sleep for an hour keep the session object alive.
    _chats.pop(session, None)


def live() -> list[tuple[Session, Chat]]:
    """The chats of all sessions, including those whose browser has just disconnected."""
    return list(_chats.items())


def owner_of(session: Session) -> str:
    """A session's user, as the key for limits and notices."""
    return owner_name(session.user) if session.user else ""


def leave(session: Session) -> None:
    """Keeps a session whose page has turned to another chat, until `forget`: its answers go on."""
    session.to_clear = False
    # By this, Chainlit would find and delete it an hour later.
    ws_sessions_sid.pop(session.socket_id, None)
    _left.add(session)


def in_background(owner: str) -> list[Session]:
    """The sessions of a user that were left and still answer."""
    return [session for session in _left if has_chat(session) and _chats[session].tasks and owner_of(session) == owner]


def has_chat(session: Session) -> bool:
    """Whether the session has its chat; not if a page that came back has adopted it, or if it was forgotten."""
    return session in _chats


def adopt(session: Session, connected: Callable[[Session], bool]) -> None:
    """Hands a running answer over to a new session of the same user and thread, after the page was reloaded.

    `connected` reports whether a session's page is still there; such a session keeps its answer.
    """
    for other, chat in list(_chats.items()):
        left = other is not session and bool(chat.tasks) and not other.to_clear and not connected(other)
        if left and session not in _chats and _same_thread(session, other):
            _chats[session] = _chats.pop(other)
            session.chat_settings, session.chat_profile = other.chat_settings, other.chat_profile
            # A page that reconnects to the old session, in another window, is shown the saved thread.
            other.thread_id_to_resume = other.thread_id
            # The task continues in the context of the session that began it.
            other.emit = _emitter_of(session)
            return


def _emitter_of(session: Session) -> Callable[[str, Any], Any]:
    """An emitter that looks up the session's socket at each call, so it survives a reconnect."""

    def emit(event: str, data: Any) -> Any:
        return session.emit(event, data)

    return emit


def _same_thread(session: Session, other: Session) -> bool:
    people = session.user, other.user
    return (
        session.thread_id == other.thread_id
        and people[0] is not None
        and people[1] is not None
        and (people[0].identifier == people[1].identifier)
    )


def thread_deleted(user_id: str, thread_id: str) -> None:
    """Stops all questions in a user's deleted thread, and keeps its sessions from creating it again.

    A chat marked as kept is saved only if the thread still exists.
    """
    for session, chat in live():
        if session.thread_id == thread_id:
            chat.copy = chat.copy or Copy(user_id, thread_id)
            chat.copy.kept = True
            chat.give_up()


def open_chats() -> int:
    """How many chats are open in a browser, or were until a moment ago."""
    return len(_chats)


def rated(answer_id: str) -> list[Answer]:
    """The answer with this id, from every live chat that has it."""
    turns = [turn for chat in _chats.values() for turn in (*chat.conversation.turns, *chat.conversation.aside)]
    return [answer for turn in turns for answer in turn.answers if answer.id == answer_id]


async def stop_all(seconds: float) -> None:
    """Stops all answers, and waits at most `seconds` until everything is saved."""
    await asyncio.gather(*(chat.end(seconds) for chat in list(_chats.values())))
