"""Chainlit's data layer: users, the list of threads, and a thread's head.

Messages, steps and files do not go through Chainlit, whose writes may be reordered without notice: `saving.py` writes
whole turns instead, and `resuming.py` loads them.

Chainlit names a thread without the user. That is the one who signed in with the current request, or the user
of the session whose event is being handled; for everyone else the thread does not exist.
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from chainlit.context import ChainlitContext, ChainlitContextException, get_context
from chainlit.data.base import BaseDataLayer
from chainlit.element import Element, ElementDict
from chainlit.session import WebsocketSession
from chainlit.step import StepDict
from chainlit.types import Feedback, PageInfo, PaginatedResponse, Pagination, ThreadDict, ThreadFilter
from chainlit.user import PersistedUser, User

from app.errors import Refusal
from app.fair_queue import LineFullError
from app.history.database import SlowQueryError
from app.history.listing import Entry, Page, Searches, list_threads
from app.history.records import writable_time
from app.history.store import History, OwnHistory, Thread
from app.history.users import Users
from app.page.live_chats import chat_of, thread_deleted

_signed_in: ContextVar[tuple[str, ChainlitContext | None]] = ContextVar("signed_in", default=("", None))
"""The id of the user that Chainlit looked up last, as it does at the start of every request, and Chainlit's context at
that moment. A context that is set later belongs to a socket event, whose session has the user."""


class DataLayer(BaseDataLayer):
    """Connects Chainlit to the history."""

    def __init__(self, history: History, users: Users) -> None:
        self._history = history
        self._users = users
        self._searches = Searches(history.database)

    async def get_user(self, identifier: str) -> PersistedUser | None:
        """The signed-in user with this name, created on first use."""
        _signed_in.set(("", _context()))
        person = await self._users.get(identifier)
        _signed_in.set((person.id, _context()))
        # A new object each time, because Chainlit writes the display name of one login into it.
        return PersistedUser(identifier=identifier, id=person.id, createdAt=person.created_at)

    async def create_user(self, user: User) -> PersistedUser | None:
        """Creates a user."""
        return await self.get_user(user.identifier)

    async def get_thread_author(self, thread_id: str) -> str:
        """The current user if the thread is theirs; empty if they have no such thread."""
        thread = await self._own().head(thread_id)
        return thread.owner if thread else ""

    async def get_thread(self, thread_id: str) -> ThreadDict | None:
        """A thread's head; its steps are added on resuming, as the page shows them."""
        thread = await self._own().head(thread_id)
        return None if thread is None else head_dict(thread)

    async def list_threads(self, pagination: Pagination, filters: ThreadFilter) -> PaginatedResponse[ThreadDict]:
        """A section of the sidebar's list, for the user that Chainlit has signed in."""
        page = await self._page(filters.userId or "", pagination, filters)
        entries: list[ThreadDict] = [
            {
                "id": entry.id,
                "name": entry.name,
                # The list is sorted by the last change, and the front end groups it by this date.
                "createdAt": iso(entry.updated),
                "userId": filters.userId,
                "userIdentifier": None,
                "tags": None,
                "metadata": _details(entry),
                "steps": [],
                "elements": [],
            }
            for entry in page.entries
        ]
        first, last = (page.entries[0].cursor, page.entries[-1].cursor) if page.entries else (None, None)
        return PaginatedResponse(PageInfo(page.more, first, last), entries)

    async def _page(self, user_id: str, pagination: Pagination, filters: ThreadFilter) -> Page:
        wanted: dict[str, Any] = {"cursor": pagination.cursor, "feedback": filters.feedback}
        if not filters.search and filters.feedback is None:
            return await list_threads(self._history.database, user_id, pagination.first, **wanted)
        try:
            return await self._searches.list_threads(user_id, pagination.first, search=filters.search, **wanted)
        except LineFullError:
            raise Refusal(429, "refused_searches") from None
        except SlowQueryError:
            raise Refusal(503, "refused_search_slow") from None

    async def update_thread(
        self,
        thread_id: str,
        name: str | None = None,
        user_id: str | None = None,
        metadata: dict[str, Any] | None = None,
        tags: list[str] | None = None,
    ) -> None:
        """Stores the first question as the thread's name, a new name, or the settings when a browser disconnects."""
        if user_id:
            await self._history.of(user_id).begin(thread_id, name or "", tags[0] if tags else "")
        elif name is not None:
            await self._own().change(thread_id, name=name)
        elif metadata and isinstance(settings := metadata.get("chat_settings"), dict):
            await self._keep_settings(settings)

    async def _keep_settings(self, settings: dict[str, Any]) -> None:
        """Stores the settings that an ending session has changed; changes from other sessions are kept."""
        context = _context()
        session = context.session if context else None
        copy = chat_of(session).copy if isinstance(session, WebsocketSession) else None
        if copy and copy.kept and (changed := copy.changed_settings(settings)):
            await self._history.of(copy.user_id).change(copy.thread_id, settings=changed)
            copy.settings |= changed

    async def delete_thread(self, thread_id: str) -> None:
        """Deletes a thread and its pictures, and stops its answers."""
        own = self._own()
        if await own.delete(thread_id):
            thread_deleted(own.user_id, thread_id)

    def _own(self) -> OwnHistory:
        """The threads of the current user; none without a sign-in."""
        user_id, context = _signed_in.get()
        now = _context()
        if now and now is not context:
            user_id = now.session.user.id if isinstance(now.session.user, PersistedUser) else ""
        return self._history.of(user_id)

    async def build_debug_url(self) -> str:
        """There is no such page."""
        return ""

    async def close(self) -> None:
        """Does nothing: the server that opened the database closes it."""

    # saving.py and routes.py write the following, and check the owner.

    async def upsert_feedback(self, feedback: Feedback) -> str:
        """Never called: `routes.py` stores feedback."""
        raise NotImplementedError

    async def delete_feedback(self, feedback_id: str) -> bool:
        """Never called: `routes.py` removes feedback."""
        raise NotImplementedError

    async def create_element(self, element: Element) -> None:
        """Does nothing: a turn is saved with its pictures."""

    async def get_element(self, thread_id: str, element_id: str) -> ElementDict | None:
        """None: pictures have their own route."""
        return None

    async def delete_element(self, element_id: str, thread_id: str | None = None) -> None:
        """Does nothing: a turn is saved with its pictures."""

    async def create_step(self, step_dict: StepDict) -> None:
        """Does nothing: turns are saved as a whole."""

    async def update_step(self, step_dict: StepDict) -> None:
        """Does nothing: turns are saved as a whole."""

    async def delete_step(self, step_id: str) -> None:
        """Does nothing: turns are saved as a whole."""

    async def get_favorite_steps(self, user_id: str) -> list[StepDict]:
        """Empty: there are no favourites."""
        return []


def _details(entry: Entry) -> dict[str, Any]:
    """What `public/chat-list.js` shows besides a thread's name."""
    details: dict[str, Any] = {"pinned": entry.pinned, "file": entry.file}
    if entry.place:
        details |= {"found": entry.place.words, "message": entry.place.message}
    return details


def _context() -> ChainlitContext | None:
    try:
        return get_context()
    except ChainlitContextException:
        return None


def head_dict(thread: Thread) -> ThreadDict:
    """A thread without its messages, in Chainlit's format."""
    return {
        "id": thread.id,
        "name": thread.name,
        "createdAt": iso(thread.created),
        "userId": None,
        "userIdentifier": thread.owner,
        "tags": None,
        "metadata": {"chat_settings": thread.settings, "chat_profile": thread.preset},
        "steps": [],
        "elements": [],
    }


def iso(seconds: float) -> str:
    """A Unix time as ISO 8601, Chainlit's format; a time outside the calendar is clamped."""
    return datetime.fromtimestamp(writable_time(seconds), UTC).isoformat()
