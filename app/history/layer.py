"""What Chainlit asks of a data layer: people, the list of threads, and a thread's head.

Messages, steps and files are not taken from Chainlit, whose writes overtake each other unwatched: `keeper.py` writes
whole turns instead, and `resuming.py` brings them back.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chainlit.data.base import BaseDataLayer
from chainlit.element import Element, ElementDict
from chainlit.step import StepDict
from chainlit.types import Feedback, PageInfo, PaginatedResponse, Pagination, ThreadDict, ThreadFilter
from chainlit.user import PersistedUser, User

from app.chats import thread_deleted
from app.history.listing import list_threads
from app.history.store import History, Thread
from app.history.users import Users


class DataLayer(BaseDataLayer):
    """Chainlit's way to the history."""

    def __init__(self, history: History, users: Users) -> None:
        self._history = history
        self._users = users

    async def get_user(self, identifier: str) -> PersistedUser | None:
        """The person of this name, who is signed in and so is entered at the latest now."""
        person = await self._users.get(identifier)
        # A new object each time: Chainlit writes the display name of one login into it.
        return PersistedUser(identifier=identifier, id=person.id, createdAt=person.created_at)

    async def create_user(self, user: User) -> PersistedUser | None:
        """Enters a person."""
        return await self.get_user(user.identifier)

    async def get_thread_author(self, thread_id: str) -> str:
        """Whose thread it is; empty where there is none."""
        return await self._history.owner(thread_id) or ""

    async def get_thread(self, thread_id: str) -> ThreadDict | None:
        """A thread's head. Its steps are added where it is resumed, as the page shows them."""
        thread = await self._history.head(thread_id)
        return None if thread is None else head_dict(thread)

    async def list_threads(self, pagination: Pagination, filters: ThreadFilter) -> PaginatedResponse[ThreadDict]:
        """A page of the sidebar's list; the person is the one whom Chainlit has signed in."""
        page = await list_threads(
            self._history.database,
            filters.userId or "",
            pagination.first,
            cursor=pagination.cursor,
            search=filters.search,
            feedback=filters.feedback,
        )
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
            await self._history.begin(thread_id, user_id, name or "", tags[0] if tags else "")
        elif name is not None:
            await self._history.change(thread_id, name=name)
        elif metadata and isinstance(settings := metadata.get("chat_settings"), dict):
            await self._history.change(thread_id, settings=settings)

    async def delete_thread(self, thread_id: str) -> None:
        """Deletes a thread and its pictures; what is being answered in it ends."""
        await self._history.delete(thread_id)
        thread_deleted(thread_id)

    async def build_debug_url(self) -> str:
        """There is none."""
        return ""

    async def close(self) -> None:
        """The database is closed by the server that opened it."""

    # Written by keeper.py and routes.py, with a look at whose it is.

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
    """A Unix time as ISO 8601, as Chainlit writes times."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()
