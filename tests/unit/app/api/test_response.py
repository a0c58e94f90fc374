"""How a reply ends when its key is removed, and when that can't be checked."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from app.api.response import Outlet, Reply


class Client:
    """Asks, and waits for the reply."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def ask(self, reply: Reply) -> None:
        await reply({"type": "http"}, self._receive, self._send)

    async def _receive(self) -> Any:
        await asyncio.Event().wait()

    async def _send(self, message: Any) -> None:
        self.messages.append(message)


async def never(outlet: Outlet) -> None:
    await asyncio.Event().wait()


async def test_a_removed_key_is_reported() -> None:
    client = Client()
    await client.ask(Reply(never, lambda: False))
    assert client.messages[0]["status"] == 401
    assert "removed" in json.loads(client.messages[1]["body"])["error"]["message"]


async def test_unreadable_keys_are_not_reported_as_a_removed_key() -> None:
    def unreadable() -> bool:
        raise OSError("no file is left to open")

    client = Client()
    with pytest.raises(OSError, match="no file"):
        await client.ask(Reply(never, unreadable))
    assert client.messages == []
