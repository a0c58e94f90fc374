"""A real engine serving nano as a process of its own, and a client that shows exactly what it sends."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from PIL import Image

from engine.config import ROOT
from tests.instruments.ports import free_port

PATIENCE = 300.0
PICTURES = 4
MAX_MODEL_LEN = 4096
KEY = "the engine's key"

Message = dict[str, Any]


class NanoServer:
    """One engine's process group."""

    def __init__(self, folder: Path) -> None:
        self.uploads = folder / "uploads"
        self.uploads.mkdir(parents=True)
        self.log = folder / "llm.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.seconds_to_ready = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None
        return self._process.pid

    def command(self) -> Sequence[str]:
        """Its command line."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """What its environment has beside PATH and HOME, the key included."""
        raise NotImplementedError

    def start(self) -> None:
        """Start and wait until it is ready."""
        started = time.monotonic()
        keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self.command(),
                env=keep | dict(self.environment()),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while not self.healthy():
            if self._process.poll() is not None or time.monotonic() - started > PATIENCE:
                self.stop()
                raise AssertionError("The engine did not become ready:\n" + self.log.read_text()[-4000:])
            time.sleep(0.2)
        self.seconds_to_ready = time.monotonic() - started

    def healthy(self) -> bool:
        """Whether it answers that it is."""
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=10) as reply:
                return bool(reply.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def processes(self) -> list[psutil.Process]:
        """The server and all below it."""
        try:
            top = psutil.Process(self.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def stop(self) -> None:
        """SIGTERM to the group, and SIGKILL to what remains."""
        assert self._process is not None
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(30)

    # Requests

    async def send(self, messages: list[Message], *, key: str | None = KEY, **options: Any) -> tuple[int, Any]:
        """One completion; status and body."""
        async with self._post(messages, key, options) as reply:
            return reply.status, await reply.json(content_type=None)

    async def ask(self, messages: list[Message] | str, **options: Any) -> dict[str, Any]:
        """One completion that must succeed."""
        status, body = await self.send(conversation(messages), **options)
        assert status == 200, body
        assert isinstance(body, dict)
        return body

    async def stream(self, messages: list[Message] | str, **options: Any) -> AsyncGenerator[dict[str, Any]]:
        """The chunks of one streamed completion."""
        options = {"stream": True, "stream_options": {"include_usage": True}, **options}
        async with self._post(conversation(messages), KEY, options) as reply:
            assert reply.status == 200, await reply.text()
            async for line in reply.content:
                data = line.decode().removeprefix("data:").strip()
                if data == "[DONE]":
                    return
                if data:
                    yield json.loads(data)

    async def metric(self, name: str) -> float:
        """The sum of a metric's samples."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.url}/metrics", headers=_authorization(KEY)) as reply,
        ):
            lines = (await reply.text()).splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name}{{", f"{name} ")))

    @asynccontextmanager
    async def _post(
        self, messages: list[Message], key: str | None, options: dict[str, Any]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        body = {"model": "nano", "messages": messages, "temperature": 0, "max_tokens": 1500, **options}
        headers = {} if key is None else _authorization(key)
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session,
            session.post(f"{self.url}/v1/chat/completions", json=body, headers=headers) as reply,
        ):
            yield reply


def _authorization(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def conversation(messages: list[Message] | str) -> list[Message]:
    """A question as a conversation of one message."""
    return [{"role": "user", "content": messages}] if isinstance(messages, str) else messages


def continued(question: str, so_far: str) -> dict[str, Any]:
    """What a request needs to go on with an answer: its messages and options."""
    return {
        "messages": [*conversation(question), {"role": "assistant", "content": so_far}],
        "continue_final_message": True,
        "add_generation_prompt": False,
    }


def said(body: dict[str, Any]) -> tuple[str, str]:
    """(reasoning, answer) of a completion, as the engine tells them apart."""
    message = body["choices"][0]["message"]
    return message.get("reasoning") or "", message["content"] or ""


async def heard(chunks: AsyncIterator[dict[str, Any]]) -> tuple[str, str]:
    """(reasoning, answer) of a stream, as the engine tells them apart."""
    reasoning, answer = "", ""
    async for chunk in chunks:
        for choice in chunk["choices"]:
            reasoning += choice["delta"].get("reasoning") or ""
            answer += choice["delta"].get("content") or ""
    return reasoning, answer


def picture_question(*urls: str, text: str = "What is in the picture?") -> list[Message]:
    """A question about pictures."""
    parts: list[Message] = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return [{"role": "user", "content": [*parts, {"type": "text", "text": text}]}]


def png(picture: Image.Image) -> bytes:
    """The picture's bytes."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def data_url(picture: bytes) -> str:
    """The bytes of a PNG as a URL."""
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"
