"""A hand-made client: the page's requests and socket events without a browser and its restrictions."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import aiohttp
import socketio

from tests.browser.access.test_safety import Caller
from tests.instruments.product import Product
from tests.instruments.scripted_product import ScriptedProduct

LONG = 60.0


class Visitor:
    """Signs in, opens a socket, sends events, and keeps all that it receives: `(name, data)`."""

    def __init__(self, page: ScriptedProduct | Product) -> None:
        self.page = page
        self.caller = Caller(page)
        self.session_id = str(uuid.uuid4())
        self.events: list[tuple[str, Any]] = []
        self.auth: dict[str, str] = {}
        """What else the page says when it connects."""
        self._http: aiohttp.ClientSession | None = None
        self._socket = socketio.AsyncClient(reconnection=False)
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Visitor:
        await asyncio.to_thread(self.caller.sign_in)
        # Ours, for the client leaves its own open when it can't connect.
        self._http = aiohttp.ClientSession()
        self._socket = socketio.AsyncClient(reconnection=False, http_session=self._http)
        self._socket.on("*", self._heard)
        self._socket.on("disconnect", self._lost)
        try:
            await self._socket.connect(
                self.page.url,
                socketio_path="/ws/socket.io",
                headers={"Cookie": self.caller.cookie},
                auth={"sessionId": self.session_id, "clientType": "webapp", "userEnv": "{}", **self.auth},
                transports=["websocket"],
            )
            await self.send("connection_successful")
        except BaseException:
            await self._http.close()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._socket.disconnect()
        if self._http:
            await self._http.close()

    async def _heard(self, name: str, data: Any = None) -> None:
        self.events.append((name, data))
        self._changed.set()

    async def _lost(self, *_: object) -> None:
        self._changed.set()

    async def send(self, event: str, *data: Any) -> None:
        """Sends an event as it is."""
        await self._socket.emit(event, *data)

    @property
    def connected(self) -> bool:
        """Whether the socket is open."""
        return bool(self._socket.connected)

    async def until(self, condition: Callable[[list[tuple[str, Any]]], bool], what: str) -> None:
        """Waits until the events meet the condition.

        Raises:
            ConnectionError: the socket has gone.
        """
        try:
            async with asyncio.timeout(LONG):
                while not condition(self.events):
                    if not self.connected:
                        raise ConnectionError
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"waited in vain for {what}; there were {self.events}\n{self.page.log()}") from None

    async def upload(self, name: str, kind: str, data: bytes) -> tuple[int, bytes]:
        """Uploads a file; the status and the body of the answer."""
        return await asyncio.to_thread(self.caller.upload, self.session_id, name, kind, data)

    async def start(self, text: Any, files: list[str] | None = None) -> None:
        """Asks, without waiting."""
        references = [{"id": file} for file in files or []]
        await self.send("client_message", {"message": question(output=text), "fileReferences": references})

    async def over(self, before: int) -> None:
        """Waits for the end of the turn that began after the event with this number."""
        await self.until(lambda events: answered(events[before:]), "the end of a turn")

    async def ask(self, text: Any, files: list[str] | None = None) -> list[tuple[str, Any]]:
        """Asks, waits for the end of the turn, and gives the events of it."""
        before = len(self.events)
        await self.start(text, files)
        await self.over(before)
        return self.events[before:]


def question(**changes: Any) -> dict[str, Any]:
    """A question as the page would send it, with these changes."""
    usual = {"id": str(uuid.uuid4()), "threadId": "", "type": "user_message", "name": "me", "output": "Hello?"}
    return usual | {"createdAt": "2026-01-01T00:00:00.000Z"} | changes


def answered(events: list[tuple[str, Any]]) -> bool:
    """Whether a turn is over: its run has ended, or there was an error instead of one."""
    runs = [data for name, data in events if name.endswith("_message") and data.get("name") == "on_message"]
    return any(run.get("end") for run in runs) or (not runs and bool(errors(events)))


def shown(events: list[tuple[str, Any]]) -> str:
    """All text that these events put on the page, including the names of steps."""
    steps = [data for _, data in events if isinstance(data, dict)]
    return "\n".join(f"{step.get('name', '')}\n{step.get('output', '')}" for step in steps)


def errors(events: list[tuple[str, Any]]) -> list[str]:
    """The error messages that these events put on the page."""
    steps = [data for name, data in events if name.endswith("_message") and isinstance(data, dict)]
    return [step["output"] for step in steps if step.get("isError")]
