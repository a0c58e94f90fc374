"""The users who have chats, and the last settings of each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import insert, select, update

from app.background import finished
from app.errors import HistoryError
from app.history import records
from app.history.database import Database
from app.history.tables import users
from app.talk.conversation import new_id
from app.talk.settings import MAX_STORED_BYTES, stored

_LONGEST_IDENTIFIER = 255
_MOST_PRESETS = 30
"""The most presets for which a user's settings are remembered; the oldest are dropped."""
_LONGEST_SETTINGS = 2 * _MOST_PRESETS * MAX_STORED_BYTES


class SignedInUser(Protocol):
    """A signed-in user, as `app.access` passes it on."""

    identifier: str


@dataclass(frozen=True)
class Person:
    """A user who has signed in at least once."""

    id: str
    identifier: str
    """The name by which they sign in."""
    created: float

    @property
    def created_at(self) -> str:
        """The time of the first sign-in, as ISO 8601."""
        return datetime.fromtimestamp(self.created, UTC).isoformat()


class Users:
    """All users. Neither their ids nor their names ever change, so each is read only once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, Person] = {}

    @finished
    async def get(self, identifier: str) -> Person:
        """The user who signs in as `identifier`, created on first use.

        Raises:
            HistoryError: the database does not answer.
        """
        identifier = records.clean(identifier)[:_LONGEST_IDENTIFIER]
        if person := self._known.get(identifier):
            return person
        person = await self._find(identifier)
        if person is None:
            try:
                async with self._database.writing() as connection:
                    values = {"id": new_id(), "identifier": identifier, "created": time.time()}
                    await connection.execute(insert(users).values(**values, settings="{}", preset=""))
            except HistoryError:
                # Another web process may have been quicker.
                if await self._find(identifier) is None:
                    raise
            person = await self._find(identifier)
        assert person
        self._known[identifier] = person
        return person

    async def _find(self, identifier: str) -> Person | None:
        query = select(users).where(users.c.identifier == identifier)
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).first()
        return Person(row.id, row.identifier, row.created) if row else None

    async def id_of(self, user: SignedInUser | None) -> str:
        """The id of a signed-in user.

        Raises:
            HistoryError: it is not cached yet, and the database does not answer.
        """
        assert user, "no request gets this far without a sign-in"
        return (await self.get(user.identifier)).id

    async def defaults(self, user_id: str) -> tuple[str, dict[str, dict[str, Any]]]:
        """The user's last preset, and their settings by preset."""
        query = select(users.c.preset, users.c.settings).where(users.c.id == user_id)
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            return "", {}
        return row.preset, _own(row.settings)

    @finished
    async def remember(self, user_id: str, preset: str, settings: Mapping[str, Any] | None = None) -> None:
        """Stores the user's current preset and, if given, their settings for it.

        Raises:
            HistoryError: it could not be written.
        """
        change = update(users).where(users.c.id == user_id)
        async with self._database.writing() as connection:
            # First, because it locks the row: no one else changes the settings between read and write.
            await connection.execute(change.values(preset=preset))
            if settings is not None:
                query = select(users.c.settings).where(users.c.id == user_id)
                own = _own((await connection.execute(query)).scalar_one_or_none() or "")
                own.pop(preset, None)
                own[preset] = stored(settings)
                for oldest in list(own)[:-_MOST_PRESETS]:
                    del own[oldest]
                await connection.execute(change.values(settings=records.dump(own)))


def _own(text: str) -> dict[str, dict[str, Any]]:
    """A user's settings by preset. Earlier versions stored any input, so what is far too long is not even parsed."""
    if len(text) > _LONGEST_SETTINGS:
        return {}
    return {name: stored(own) for name, own in records.load(text).items() if isinstance(own, dict)}
