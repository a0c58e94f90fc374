"""A browser's socket without a browser: speaks Chainlit's socket.io by hand, at almost no cost."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from yarl import URL

from tests.benchmarks.load import Load, pieces

_PATIENCE = 180.0


@dataclass
class Heard:
    """The result of one question. Times are monotonic seconds."""

    sent: float = 0.0
    frames: list[tuple[float, int]] = field(default_factory=list)
    """When each frame of text arrived, and how many characters had arrived by then."""
    ended: float = 0.0
    finals: dict[str, str] = field(default_factory=dict)
    """The whole text of each step and message, by its id."""

    @property
    def first(self) -> float:
        """When the first text came."""
        return self.frames[0][0]

    def complete(self, load: Load) -> bool:
        """Whether everything that the engine wrote has arrived."""
        wanted = {"".join(kind).strip() for kind in pieces(load.tokens, load.kind)}
        return wanted <= {text.strip() for text in self.finals.values()}


class SocketClient:
    """One open page: `await SocketClient.open(…)`, then `ask`."""

    def __init__(self, url: str, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._url = url
        self._http = session
        self._socket = socket
        self._session_id = str(uuid.uuid4())
        self._welcome = asyncio.Event()
        self._ended = asyncio.Event()
        self._awaited = "on_chat_start"
        self._over = False
        self._heard = Heard()
        self._shown: dict[str, int] = {}
        """How many characters of each step have come."""
        self._reader: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, url: str) -> SocketClient:
        """Signs in as the page does, connects, and waits until a question can be asked."""
        http = aiohttp.ClientSession(headers={"Origin": url}, cookie_jar=aiohttp.CookieJar(unsafe=True))
        async with http.get(url, headers={"Accept": "text/html"}):
            pass
        address = URL(url) / "ws/socket.io/" % {"EIO": "4", "transport": "websocket"}
        socket = await http.ws_connect(address, max_msg_size=0)
        client = cls(url, http, socket)
        await client._connect()
        return client

    async def _connect(self) -> None:
        await self._socket.receive()  # the transport's own greeting
        auth = {"clientType": "webapp", "sessionId": self._session_id, "threadId": "", "userEnv": "{}"}
        await self._socket.send_str("40" + orjson.dumps(auth | {"chatProfile": ""}).decode())
        self._reader = asyncio.create_task(self._read())
        await asyncio.wait_for(self._welcome.wait(), _PATIENCE)
        await self._emit("connection_successful")
        await asyncio.wait_for(self._ended.wait(), _PATIENCE)

    async def ask(self, load: Load, files: Sequence[str] = ()) -> Heard:
        """Asks for a load, and waits for the end of the turn."""
        return await self.say(load.question, files)

    async def choose(self, **settings: Any) -> None:
        """Changes settings of the chat."""
        await self._emit("chat_settings_change", settings)

    async def upload(self, name: str, data: bytes) -> str:
        """Uploads a file as the page does; its reference for a question."""
        form = aiohttp.FormData()
        form.add_field("file", data, filename=name, content_type="image/jpeg")
        url = f"{self._url}/project/file?session_id={self._session_id}"
        async with self._http.post(url, data=form) as reply:
            reply.raise_for_status()
            return str((await reply.json())["id"])

    async def say(self, question: str, files: Sequence[str] = ()) -> Heard:
        """Asks with files that were uploaded, and waits for the end of the turn."""
        self._ended.clear()
        self._awaited, self._over = "on_message", False
        heard = self._heard = Heard()
        message = {
            "threadId": "",
            "id": str(uuid.uuid4()),
            "name": "User",
            "type": "user_message",
            "output": question,
            "createdAt": "2026-01-01T00:00:00Z",
            "metadata": {},
        }
        heard.sent = time.monotonic()
        await self._emit("client_message", {"message": message, "fileReferences": [{"id": file} for file in files]})
        await asyncio.wait_for(self._ended.wait(), _PATIENCE)
        return heard

    async def close(self, *, new_chat: bool = False) -> None:
        """Leaves; with `new_chat` as a user who begins another chat."""
        if new_chat:
            await self._emit("clear_session")
        await self._socket.close()
        if self._reader:
            await self._reader
        await self._http.close()

    async def _emit(self, event: str, *data: Any) -> None:
        await self._socket.send_str("42" + orjson.dumps([event, *data]).decode())

    async def _read(self) -> None:
        async for message in self._socket:
            words = message.data
            if words.startswith("42"):
                self._event(time.monotonic(), *orjson.loads(words[2:])[:2])
            elif words == "2":
                await self._socket.send_str("3")
            elif words.startswith("40"):
                self._welcome.set()

    def _event(self, now: float, name: str, data: Any = None) -> None:
        if name == "stream_token":
            self._text(now, data["id"], len(data["token"]))
        elif name == "task_end":
            # The end of the connection and the start of the chat are separate events.
            if self._over:
                self._heard.ended = now
                self._ended.set()
        elif name == "update_message" and data.get("type") == "run":
            self._over = data["name"] == self._awaited
        elif name in {"stream_start", "new_message", "update_message"} and data.get("type") != "user_message":
            output = data.get("output")
            if output is not None:
                self._text(now, data["id"], len(output) - self._shown.get(data["id"], 0))
                self._heard.finals[data["id"]] = output

    def _text(self, now: float, step: str, more: int) -> None:
        if more > 0:
            self._shown[step] = self._shown.get(step, 0) + more
            frames = self._heard.frames
            frames.append((now, (frames[-1][1] if frames else 0) + more))
