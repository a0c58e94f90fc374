"""How a server is notified of a request that is given up."""

import asyncio

import anyio
import pytest
from mcp import types
from mcp.shared.message import SessionMessage

from engine.tools import session
from engine.tools.session import Session


async def test_a_request_that_is_given_up_is_named_to_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_SECONDS", 0.1)
    to_session, from_server = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_server, from_session = anyio.create_memory_object_stream[SessionMessage](0)
    async with asyncio.timeout(30), to_session, from_session, Session(from_server, to_server) as talk:
        call = asyncio.create_task(talk.call_tool("slow", {}))
        asked = (await from_session.receive()).message.root
        assert isinstance(asked, types.JSONRPCRequest)
        call.cancel()
        told = (await from_session.receive()).message.root
        assert isinstance(told, types.JSONRPCNotification)
        assert told.method == "notifications/cancelled"
        assert told.params
        assert told.params["requestId"] == asked.id
        with pytest.raises(asyncio.CancelledError):
            await call
        # A server that reads nothing keeps nobody.
        call = asyncio.create_task(talk.call_tool("slow", {}))
        await from_session.receive()
        call.cancel()
        await asyncio.wait({call})
        assert call.cancelled()
