"""Sessions as Chainlit makes them, without a browser: they record what they would send."""

from __future__ import annotations

import uuid
from typing import Any

from chainlit.session import WebsocketSession
from chainlit.user import PersistedUser


class Session(WebsocketSession):
    """A session of a person's, with the events that its browser would have got."""

    def __init__(self, user_id: str, identifier: str, thread_id: str | None = None) -> None:
        self.events: list[tuple[str, Any]] = []
        super().__init__(
            id=str(uuid.uuid4()),
            socket_id=uuid.uuid4().hex,
            emit=self._heard,  # type: ignore[arg-type]
            emit_call=self._heard,
            user_env={},
            client_type="webapp",
            thread_id=thread_id,
            user=PersistedUser(identifier=identifier, id=user_id, createdAt="2026-01-01T00:00:00Z"),
        )

    async def _heard(self, event: str, data: Any, *_: Any) -> None:
        self.events.append((event, data))

    def heard(self, event: str) -> list[Any]:
        """What its browser has got of one kind."""
        return [data for name, data in self.events if name == event]
