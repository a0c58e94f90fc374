"""The live chats: what is known of each browser session beyond what Chainlit keeps."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from chainlit.chat_context import chat_contexts
from chainlit.session import WebsocketSession, ws_sessions_id

from app.conversation import Conversation, Picture, Turn
from app.i18n import Language, language_of
from app.turn import Job
from app.view import AnswerView

_PURGE_SECONDS = 60


@dataclass
class Chat:
    """One session's conversation, how its turns are shown, and which of them is being answered."""

    language: Language
    conversation: Conversation = field(default_factory=Conversation)
    views: dict[str, AnswerView] = field(default_factory=dict)
    running: AnswerView | None = None
    job: Job | None = None
    """What the engine is being asked, while it is."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a turn is answered: one at a time."""

    def find(self, turn_id: str) -> Turn | None:
        """The turn of this id, if it is in the conversation."""
        at = self.conversation.index(turn_id)
        return None if at is None else self.conversation.turns[at]

    def pictures_of(self, turn_id: str) -> list[Picture] | None:
        """The pictures of a question that is already there; None: it is new."""
        turn = self.find(turn_id)
        return None if turn is None else turn.pictures


_chats: WeakKeyDictionary[WebsocketSession, Chat] = WeakKeyDictionary()


def chat_of(session: WebsocketSession) -> Chat:
    """The session's chat, made the first time; it goes when the session does."""
    chat = _chats.get(session)
    if chat is None:
        chat = _chats[session] = Chat(language_of(session.language))
    return chat


async def keep_purging() -> None:
    """Drops the messages that Chainlit keeps of sessions that are gone, until cancelled; it never does so itself."""
    while True:
        await asyncio.sleep(_PURGE_SECONDS)
        for session_id in chat_contexts.keys() - ws_sessions_id.keys():
            del chat_contexts[session_id]
