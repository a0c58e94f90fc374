"""The tools that a turn may use: those of the tool servers and our own, if the chat has them on and the model can."""

from __future__ import annotations

from dataclasses import replace

from chainlit.session import WebsocketSession

from app.files.uploads import UploadStore
from app.page.answer.view import AnswerView
from app.page.chat import Chat
from app.tools.host import ToolHost
from app.tools.toolbox import Toolbox
from app.turn.consent import Consent
from app.turn.tooling import Tooling
from app.upstream.offer import can_call_tools
from app.upstream.state import EngineState


class ToolUse:
    """Hands out the tools for each turn."""

    def __init__(self, state: EngineState, host: ToolHost, store: UploadStore) -> None:
        self._state = state
        self._host = host
        self._store = store

    async def of(self, session: WebsocketSession, chat: Chat, view: AnswerView) -> Tooling | None:
        """The tools for the next turn of this chat; None: it has none."""
        if session.chat_settings.get("tools") is not True:
            return None
        client = await self._state.launched()
        if not can_call_tools(client):
            return None
        listing = await self._host.list()
        for server in listing.problems:
            await view.tools_away(server or "mcp.json")
        person = session.user.identifier if session.user else ""
        limits = replace(client.picture_limits, keep_original=True)
        toolbox = Toolbox(listing.tools, self._host, self._store, session.thread_id, limits, person=person)
        return Tooling(toolbox, Consent(chat.always), view)

    async def offer(self, chat: Chat) -> None:
        """Finds out which tools the panel of this chat is to name."""
        chat.listing = await self._host.list()
