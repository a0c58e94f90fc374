"""What Chainlit asks of a data layer: people, the list of threads, and a thread's head.

Messages, steps and files are not taken from Chainlit, whose writes overtake each other unwatched: `saving.py` writes
whole turns instead, and `resuming.py` brings them back.

Chainlit names a thread without saying who asks. That person has signed in with the same request, or is the one of the
session whose event is handled; for everybody else a thread is not there.
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
from app.history.listing import Page, Searches, list_threads
from app.history.records import writable_time
from app.history.store import History, OwnHistory, Thread
from app.history.users import Users
from app.page.live_chats import chat_of, thread_deleted

_signed_in: ContextVar[tuple[str, ChainlitContext | None]] = ContextVar("signed_in", default=("", None))
"""The id of the person whom Chainlit asked for last, as it does before anything is done for them in a request, and its
context at that moment: one that is set later is that of an event on a socket, whose session names the person."""


class DataLayer(BaseDataLayer):
    """Chainlit's way to the history."""

    def __init__(self, history: History, users: Users) -> None:
        self._history = history
        self._users = users
        self._searches = Searches(history.database)

    async def get_user(self, identifier: str) -> PersistedUser | None:
        """The person of this name, who is signed in and so is entered at the latest now."""
        _signed_in.set(("", _context()))
        person = await self._users.get(identifier)
        _signed_in.set((person.id, _context()))
        # A new object each time: Chainlit writes the display name of one login into it.
        return PersistedUser(identifier=identifier, id=person.id, createdAt=person.created_at)

    async def create_user(self, user: User) -> PersistedUser | None:
        """Enters a person."""
        return await self.get_user(user.identifier)

    async def get_thread_author(self, thread_id: str) -> str:
        """The person who asks, if it is theirs; empty where they have no such thread."""
        thread = await self._own().head(thread_id)
        return thread.owner if thread else ""

    async def get_thread(self, thread_id: str) -> ThreadDict | None:
        """A thread's head. Its steps are added where it is resumed, as the page shows them."""
        thread = await self._own().head(thread_id)
        return None if thread is None else head_dict(thread)

    async def list_threads(self, pagination: Pagination, filters: ThreadFilter) -> PaginatedResponse[ThreadDict]:
        """A page of the sidebar's list; the person is the one whom Chainlit has signed in."""
        page = await self._page(filters.userId or "", pagination, filters)
        entries: list[ThreadDict] = [
            {
                "id": entry.id,
                "name": entry.name,
                # The list is in the order of what happened last, and the page groups it by this day.
                "createdAt": iso(entry.updated),
                "userId": filters.userId,
                "userIdentifier": None,
                "tags": None,
                "metadata": {},
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
        """The first question (it names the thread), a new name, or what is set when the browser goes."""
        if user_id:
            await self._history.of(user_id).begin(thread_id, name or "", tags[0] if tags else "")
        elif name is not None:
            await self._own().change(thread_id, name=name)
        elif metadata and isinstance(settings := metadata.get("chat_settings"), dict):
            await self._keep_settings(settings)

    async def _keep_settings(self, settings: dict[str, Any]) -> None:
        """What a session that goes has changed; what others have changed meanwhile stays."""
        context = _context()
        session = context.session if context else None
        copy = chat_of(session).copy if isinstance(session, WebsocketSession) else None
        if copy and copy.kept and (changed := copy.changed_settings(settings)):
            await self._history.of(copy.user_id).change(copy.thread_id, settings=changed)
            copy.settings |= changed

    async def delete_thread(self, thread_id: str) -> None:
        """Deletes a thread and its pictures; what is being answered in it ends."""
        own = self._own()
        if await own.delete(thread_id):
            thread_deleted(own.user_id, thread_id)

    def _own(self) -> OwnHistory:
        """The threads of the person who asks; of nobody, where nobody has signed in."""
        user_id, context = _signed_in.get()
        now = _context()
        if now and now is not context:
            user_id = now.session.user.id if isinstance(now.session.user, PersistedUser) else ""
        return self._history.of(user_id)

    async def build_debug_url(self) -> str:
        """There is none."""
        return ""

    async def close(self) -> None:
        """The database is closed by the server that opened it."""

    # Written by saving.py and routes.py, with a look at whose it is.

    async def upsert_feedback(self, feedback: Feedback) -> str:
        """Never asked for: `routes.py` takes feedback in."""
        raise NotImplementedError

    async def delete_feedback(self, feedback_id: str) -> bool:
        """Never asked for: `routes.py` takes feedback back."""
        raise NotImplementedError

    async def create_element(self, element: Element) -> None:
        """A turn is kept with its pictures."""

    async def get_element(self, thread_id: str, element_id: str) -> ElementDict | None:
        """Pictures have an address of their own."""
        return None

    async def delete_element(self, element_id: str, thread_id: str | None = None) -> None:
        """A turn is kept with its pictures."""

    async def create_step(self, step_dict: StepDict) -> None:
        """A turn is kept as a whole."""

    async def update_step(self, step_dict: StepDict) -> None:
        """A turn is kept as a whole."""

    async def delete_step(self, step_id: str) -> None:
        """A turn is kept as a whole."""

    async def get_favorite_steps(self, user_id: str) -> list[StepDict]:
        """The page has no favourites."""
        return []


def _context() -> ChainlitContext | None:
    try:
        return get_context()
    except ChainlitContextException:
        return None


def head_dict(thread: Thread) -> ThreadDict:
    """A thread without its messages, as Chainlit writes it."""
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
    """A Unix time as ISO 8601, as Chainlit writes times; one that no calendar has is written as the nearest."""
    return datetime.fromtimestamp(writable_time(seconds), UTC).isoformat()
