"""An MCP session that notifies the server when a request is given up."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from mcp import ClientSession, types

_SECONDS = 1.0
"""A server that reads nothing can't be notified."""
_log = logging.getLogger("engine.tools")


class Session(ClientSession):
    """MCP's own, which sends no `notifications/cancelled`: the server would work on for nobody."""

    async def send_request(self, *args: Any, **kwargs: Any) -> Any:
        """Sends a request and waits for its result; when cancelled, notifies the server."""
        number = self._request_id
        try:
            return await super().send_request(*args, **kwargs)
        except asyncio.CancelledError:
            # MCP: a client must not cancel its `initialize`.
            if not (args and isinstance(args[0].root, types.InitializeRequest)):
                await self._give_up(number)
            raise

    async def _give_up(self, number: int) -> None:
        params = types.CancelledNotificationParams(requestId=number, reason="The user or a time limit ended it.")
        try:
            async with asyncio.timeout(_SECONDS):
                await self.send_notification(types.ClientNotification(types.CancelledNotification(params=params)))
        except Exception as error:
            _log.info("a server was not notified of a request that was given up: %s", type(error).__name__)
