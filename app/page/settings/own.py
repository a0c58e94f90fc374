"""A user's settings, remembered across chats: only what differs from the preset, so later changes to the preset apply.

They are stored in the database; if that fails, chats begin with the plain preset.
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
_OF_ONE_CHAT = {"tools"}
"""Not remembered: a new chat begins with the preset's, so that no model can act before it is allowed to."""


class OwnSettings:
    """Reads and stores the settings of all users."""

    def __init__(self, users: Users, presets: Presets) -> None:
        self._users = users
        self._presets = presets

    async def last_preset(self, user: User | None) -> str:
        """The preset that the user chose last."""
        last, _ = await self._defaults(user)
        return last if last in self._presets.all() else DEFAULT

    async def start(self, session: WebsocketSession) -> dict[str, Any]:
        """The settings of a new chat, as the panel would send them; also records its preset as the user's last."""
        if session.chat_profile not in self._presets.all():
            # A browser can name any preset.
            session.chat_profile = None
        name = session.chat_profile or DEFAULT
        last, own = await self._defaults(session.user)
        if name != last and isinstance(session.user, PersistedUser):
            await self._remember(session.user.id, name)
        return {**self._presets.find(name).settings, **own.get(name, {})}

    async def remember(self, session: WebsocketSession, offer: Offer) -> None:
        """Stores the user's current settings."""
        if isinstance(session.user, PersistedUser):
            name = session.chat_profile or DEFAULT
            own = differing(session.chat_settings, self._presets.find(name).settings, offer)
            await self._remember(session.user.id, name, own)

    async def _defaults(self, user: User | None) -> tuple[str, dict[str, dict[str, Any]]]:
        if isinstance(user, PersistedUser):
            try:
                return await self._users.defaults(user.id)
            except HistoryError as error:
                _log.warning("could not read a user's settings: %s", error)
        return "", {}

    async def _remember(self, user_id: str, name: str, own: Mapping[str, Any] | None = None) -> None:
        try:
            await self._users.remember(user_id, name, own)
        except HistoryError as error:
            _log.warning("could not store a user's settings: %s", error)


def differing(chosen: Mapping[str, Any], preset: Mapping[str, Any], offer: Offer) -> dict[str, Any]:
    """The chosen settings that differ from the preset's, as they were sent."""
    now = asdict(parse(chosen, offer))
    # Switching the thinking mode changes other defaults too; those do not count as the user's choices.
    usual = asdict(parse({**preset, "thinking": now["thinking"]}, offer))
    usual["thinking"] = parse(preset, offer).thinking
    return {name: chosen[name] for name in now.keys() - _OF_ONE_CHAT if now[name] != usual[name] and name in chosen}
