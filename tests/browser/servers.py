"""What the browser tests look at: the page's process on a scripted engine, and the whole product from `./start.sh`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from engine.config import ROOT, Workspace, secret
from engine.plan import LaunchPlan
from engine.status import Status
from tests import loop_watch
from tests.ports import free_port
from tests.scripted_engine import Script, ScriptedEngine


class _LoopThread:
    """Serves in an event loop of a thread of its own, so that tests of a synchronous browser can use it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._up.wait(10)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)
        self._loop.close()

    async def _serve(self) -> None:
        """Sets `_up` once it serves, and serves until `_end` is set."""
        raise NotImplementedError


class EngineThread(_LoopThread):
    """A scripted engine."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = ScriptedEngine()

    def go(self) -> None:
        """Lets a held answer begin."""
        self._loop.call_soon_threadsafe(self.engine.go.set)

    async def _serve(self) -> None:
        async with self.engine:
            self._up.set()
            await self._end.wait()


class Cable(_LoopThread):
    """A TCP connection between browser and page that can be pulled out and put in again."""

    def __init__(self, port: int, target_port: int) -> None:
        super().__init__()
        self.port = port
        self._target_port = target_port
        self._plugged = True
        self._writers: set[asyncio.StreamWriter] = set()

    def pull(self) -> None:
        """Ends every connection and takes no new one."""
        self._loop.call_soon_threadsafe(self._pull)

    def plug(self) -> None:
        """Works again."""
        self._plugged = True

    def _pull(self) -> None:
        self._plugged = False
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self) -> None:
        async with await asyncio.start_server(self._connected, "127.0.0.1", self.port):
            self._up.set()
            await self._end.wait()
            self._pull()
            await asyncio.sleep(0.1)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._plugged:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        self._writers -= {writer, far_writer}

    @staticmethod
    async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()


class ScriptedProduct:
    """`python -m app` on a workspace whose plan and status the test writes itself.

    Nothing may hold up its event loop meanwhile: at the end it raises an AssertionError that names the code that did.
    """

    def __init__(self, workspace: Path, **environment: str) -> None:
        self.files = Workspace(workspace)
        self.files.create()
        self.thread = EngineThread()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._cable_port = free_port()
        self._environment = {"KIMI_ORIGINS": f"http://127.0.0.1:{self._cable_port}", **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def cable(self) -> Cable:
        """A way to the page that can be cut; use it in a `with`."""
        return Cable(self._cable_port, self.port)

    @property
    def engine(self) -> ScriptedEngine:
        """The instrument that answers."""
        return self.thread.engine

    def __enter__(self) -> ScriptedProduct:
        self.thread.__enter__()
        secret(self.files.engine_key)
        self.plan()
        self.status(state="ready")
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        self.thread.__exit__(*exc)
        held = loop_watch.found(self.log())
        assert not held, f"{len(held)} times, such as:\n" + "\n".join(sorted(set(held))[:5])

    def reset(self) -> None:
        """As at the beginning, for the next test."""
        self.engine.script = Script()
        self.engine.requests.clear()
        self.engine.cancelled = self.engine.sent = 0
        self.engine.go.clear()
        self._forget_own_settings()
        self.plan()
        self.status(state="ready")

    def _forget_own_settings(self) -> None:
        """What a test has set is remembered for the next chat, but not for the next test."""
        if self.files.chats.exists():
            with contextlib.closing(sqlite3.connect(self.files.chats, timeout=10)) as database, database:
                database.execute("UPDATE users SET settings = '{}', preset = ''")

    def plan(self, **changes: Any) -> None:
        """Writes the launch plan as the supervisor would."""
        plan: dict[str, Any] = {
            "engine": "sglang",
            "model": "Kimi-VL-A3B-Thinking",
            "served_name": "scripted",
            "base_url": self.engine.base_url,
            "pictures": "file",
            **changes,
        }
        LaunchPlan(**plan).write(self.files.plan)

    def status(self, **changes: Any) -> None:
        """Writes the status as the supervisor would."""
        Status().with_engine(kind="vllm", model="scripted", base_url=self.engine.base_url, **changes).write(
            self.files.status
        )

    def start(self, **environment: str) -> None:
        """Starts the page's process, with these variables too, and waits until it answers."""
        # Without compiled files beside the sources the page would take ten seconds longer to come up.
        others = ("KIMI_", "CHAINLIT_", "PYTHONDONTWRITEBYTECODE")
        ours = {name: value for name, value in os.environ.items() if not name.startswith(others)}
        places = {"KIMI_WORKSPACE": str(self.files.root), "KIMI_PORT": str(self.port)}
        with (self.files.root / "app.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.loop_watch"],
                cwd=ROOT,
                env=ours | places | self._environment | environment,
                stdout=log,
                stderr=log,
            )
        try:
            wait_for(f"{self.url}/healthz", 180, self._alive)
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """The page's process."""
        assert self._process
        return self._process.pid

    def _alive(self) -> None:
        assert self._process
        if self._process.poll() is not None:
            raise RuntimeError(f"the page ended by itself:\n{self.log()}")

    def stop(self) -> None:
        """Ends the page's process as the supervisor would."""
        assert self._process
        self._process.terminate()
        self._process.wait(20)

    def wait(self, condition: Callable[[ScriptedEngine], bool], seconds: float) -> None:
        """Waits until the engine has seen what the condition says."""
        deadline = time.monotonic() + seconds
        while not condition(self.engine):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the engine did not get there within {seconds} s")
            time.sleep(0.1)

    def log(self) -> str:
        """What the page wrote."""
        return (self.files.root / "app.log").read_text()


def wait_for(url: str, seconds: float, check: Callable[[], None] = lambda: None) -> None:
    """Waits until `url` answers with 200; `check` may raise meanwhile."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                if response.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url} did not answer within {seconds} s")
        time.sleep(0.1)
