"""The servers for the browser tests: the web process on a scripted engine, and the whole product from `./start.sh`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from engine.config import ROOT, Workspace, secret
from engine.status import Status
from tests.instruments import loop_watch
from tests.instruments.launch_plan import launch_plan
from tests.instruments.ports import free_port
from tests.instruments.scripted_engine import Script, ScriptedEngine


class _LoopThread:
    """Serves in an event loop in its own thread, so that tests with a synchronous browser can use it."""

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
    """A TCP connection between browser and page that can be slow, and can be cut and restored.

    `delay` is in seconds and holds for each direction of the page's socket, in any of its transports. Other requests
    (files, uploads, the list of chats) pass at once, so that they overtake what the socket carries.
    """

    def __init__(self, port: int, target_port: int, delay: float = 0.0) -> None:
        super().__init__()
        self.port = port
        self.delay = delay
        self.url = f"http://127.0.0.1:{port}"
        self._target_port = target_port
        self._plugged = True
        self._silent = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._connections: set[asyncio.Future[Any]] = set()

    def pull(self) -> None:
        """Closes every connection and accepts no new one."""
        self._loop.call_soon_threadsafe(self._pull)

    def silence(self) -> None:
        """Drops everything that is sent from now on, like a network that failed unnoticed."""
        self._silent = True

    def plug(self) -> None:
        """Works again."""
        self._plugged, self._silent = True, False

    def _pull(self) -> None:
        self._plugged = False
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self) -> None:
        async with await asyncio.start_server(self._connected, "127.0.0.1", self.port):
            self._up.set()
            await self._end.wait()
            self._pull()
            for connection in self._connections:
                connection.cancel()
            await asyncio.sleep(0.1)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not self._plugged:
                raise ConnectionRefusedError
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except ConnectionError:
            # The page is down, or the cable is cut: the client's connection closes, too.
            writer.transport.abort()
            return
        both, carried = {writer, far_writer}, _Carried()
        pumps = asyncio.gather(
            self._pump(reader, far_writer, carried, up=True), self._pump(far_reader, writer, carried)
        )
        self._writers |= both
        self._connections.add(pumps)
        with contextlib.suppress(asyncio.CancelledError):
            await pumps
        self._connections.discard(pumps)
        self._writers -= both

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, carried: _Carried, *, up: bool = False
    ) -> None:
        """Forwards what arrives, in order, each piece after its delay."""
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        passing = asyncio.create_task(self._pass_on(pieces, writer))
        data = b"."
        try:
            while data:
                try:
                    data = await reader.read(65536)
                except ConnectionError:
                    data = b""
                if self._silent and data:
                    continue
                if up:
                    carried.see(data)
                pieces.put_nowait((time.monotonic() + (self.delay if carried.socket else 0.0), data))
            await passing
        finally:
            passing.cancel()

    @staticmethod
    async def _pass_on(pieces: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                due, data = await pieces.get()
                await asyncio.sleep(due - time.monotonic())
                if not data:
                    break
                writer.write(data)
                await writer.drain()
        writer.close()


class _Carried:
    """What a connection carries at the moment: the page's socket, or other requests."""

    _REQUEST = re.compile(rb"[A-Z]+ (/\S*) HTTP/1\.1\r\n")

    def __init__(self) -> None:
        self.socket = False

    def see(self, data: bytes) -> None:
        """Inspects what the browser sends: the start of a request says what it is for."""
        if request := self._REQUEST.match(data):
            self.socket = request[1].startswith(b"/ws/")


class ScriptedProduct:
    """`python -m app` on a workspace whose plan and status the test writes itself.

    Nothing may block its event loop: at the end it raises an AssertionError that names the code that did.
    """

    socket_delay = 0.0
    """Seconds that each direction of every page's socket takes; set by `--socket-delay`."""

    def __init__(self, workspace: Path, **environment: str) -> None:
        self.files = Workspace(workspace)
        self.files.create()
        self.thread = EngineThread()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._cable_port = free_port()
        self._line = Cable(free_port(), self.port, self.socket_delay) if self.socket_delay else None
        if self._line:
            self.url = self._line.url
        origins = ",".join({self.url, f"http://127.0.0.1:{self._cable_port}"})
        self._environment = {"KIMI_ORIGINS": origins, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def cable(self, delay: float | None = None) -> Cable:
        """A connection to the page that can be cut, with `delay` seconds each way; use it in a `with`."""
        return Cable(self._cable_port, self.port, self.socket_delay if delay is None else delay)

    @property
    def engine(self) -> ScriptedEngine:
        """The scripted engine."""
        return self.thread.engine

    def __enter__(self) -> ScriptedProduct:
        self.thread.__enter__()
        if self._line:
            self._line.__enter__()
        secret(self.files.engine_key)
        self.plan()
        self.status(state="ready")
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        if self._line:
            self._line.__exit__(*exc)
        self.thread.__exit__(*exc)
        held = loop_watch.found(self.log())
        assert not held, f"{len(held)} times, such as:\n" + "\n".join(sorted(set(held))[:5])

    def reset(self) -> None:
        """Resets everything for the next test."""
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
        launch_plan(self.engine.base_url, **changes).write(self.files.plan)

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
                [sys.executable, "-m", "tests.instruments.loop_watch"],
                cwd=ROOT,
                env=ours | places | self._environment | environment,
                stdout=log,
                stderr=log,
            )
        try:
            wait_for(f"http://127.0.0.1:{self.port}/healthz", 180, self._alive)
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
    """Waits until `url` answers with 200; `check` may raise while it waits."""
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


def main() -> None:
    """Serves the page on a scripted engine until Ctrl-C, to look at it."""
    words = [f"word{number} " for number in range(200)]
    with tempfile.TemporaryDirectory() as folder, ScriptedProduct(Path(folder) / "workspace") as product:
        product.engine.script = Script(reasoning=words[:40], answer=words, rate=40)
        print(f"The page on the scripted engine: {product.url} (Ctrl-C stops it)", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
