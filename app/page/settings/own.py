"""What a person has set is remembered over chats: only what differs from the preset, so that its other parts go along.

The history is where it is kept; when that fails, chats begin with the preset as it is.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from chainlit.session import WebsocketSession
from chainlit.user import PersistedUser, User

from app.errors import HistoryError
from app.history.users import Users
from app.presets import DEFAULT, Presets
from app.talk.settings import Offer, parse

_log = logging.getLogger("app.presets")


class OwnSettings:
    """The settings that people have made for themselves."""

    def __init__(self, users: Users, presets: Presets) -> None:
        self._users = users
        self._presets = presets

    async def last_preset(self, user: User | None) -> str:
        """The preset that the person used last."""
        last, _ = await self._defaults(user)
        return last if last in self._presets.all() else DEFAULT

    async def start(self, session: WebsocketSession) -> dict[str, Any]:
        """The settings with which a new chat begins, as the panel would send them; its preset is the latest now."""
        if session.chat_profile not in self._presets.all():
            # A browser can name any.
            session.chat_profile = None
        name = session.chat_profile or DEFAULT
        last, own = await self._defaults(session.user)
        if name != last and isinstance(session.user, PersistedUser):
            await self._remember(session.user.id, name)
        return {**self._presets.find(name).settings, **own.get(name, {})}

    async def remember(self, session: WebsocketSession, offer: Offer) -> None:
        """Keeps what the person has set now."""
        if isinstance(session.user, PersistedUser):
            name = session.chat_profile or DEFAULT
            own = differing(session.chat_settings, self._presets.find(name).settings, offer)
            await self._remember(session.user.id, name, own)

    async def _defaults(self, user: User | None) -> tuple[str, dict[str, dict[str, Any]]]:
        if isinstance(user, PersistedUser):
            try:
                return await self._users.defaults(user.id)
            except HistoryError as error:
                _log.warning("own settings are not known: %s", error)
        return "", {}

    async def _remember(self, user_id: str, name: str, own: Mapping[str, Any] | None = None) -> None:
        try:
            await self._users.remember(user_id, name, own)
        except HistoryError as error:
            _log.warning("own settings could not be kept: %s", error)


def differing(chosen: Mapping[str, Any], preset: Mapping[str, Any], offer: Offer) -> dict[str, Any]:
    """Those of the chosen settings that differ from the preset's, as they were sent."""
    now = asdict(parse(chosen, offer))
    # The defaults that go with the mode, which alone is the person's own.
    usual = asdict(parse({**preset, "thinking": now["thinking"]}, offer))
    usual["thinking"] = parse(preset, offer).thinking
    return {name: chosen[name] for name in now if now[name] != usual[name] and name in chosen}
