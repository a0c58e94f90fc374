"""What the page knows of the engine: the status and the plan that the supervisor writes, and the connection to it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Awaitable, Callable

import psutil

from app.engine_client import EngineClient
from engine.config import Settings
from engine.plan import LaunchPlan
from engine.status import EngineStatus, Status

_LOOK_SECONDS = 0.25
_SAME_PROCESS_SECONDS = 0.01


class EngineFailedError(Exception):
    """The engine has given up until somebody asks for a retry; `reason` is the supervisor's sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoSupervisorError(Exception):
    """Nobody is there who could start the engine again."""


class EngineState:
    """Reads the workspace's state files; keeps one client for the plan that is launched."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: EngineClient | None = None

    def status(self) -> EngineStatus:
        """The engine's state at this moment."""
        return Status.read(self._settings.files.status).engine

    def plan(self) -> LaunchPlan | None:
        """What was launched; None before the first launch."""
        try:
            return LaunchPlan.read(self._settings.files.plan)
        except FileNotFoundError:
            return None

    def client(self) -> EngineClient | None:
        """A client for the plan in force; None before the first launch."""
        plan = self.plan()
        if plan is None:
            return None
        if self._client is None or self._client.plan != plan:
            # Streams of the old plan may still be read; its client goes when the last of them does.
            self._client = EngineClient(plan, self._key(plan))
        return self._client

    async def ready(self, tell: Callable[[EngineStatus], Awaitable[None]]) -> EngineClient:
        """Waits until the engine is ready; `tell` hears of each change of its state meanwhile.

        Raises:
            EngineFailedError: it has failed for good.
        """
        told: EngineStatus | None = None
        while True:
            status = self.status()
            client = self.client()
            if status.state == "ready" and client:
                return client
            if status.state == "failed":
                raise EngineFailedError(status.phase)
            if status != told:
                told = status
                await tell(status)
            await asyncio.sleep(_LOOK_SECONDS)

    async def noticed(self, seconds: float = 3.0) -> bool:
        """After a lost connection: whether the supervisor notices within `seconds` that the engine is not ready."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.status().state != "ready":
                return True
            await asyncio.sleep(_LOOK_SECONDS)
        return False

    def retry(self) -> None:
        """Asks the supervisor to start a failed engine again.

        Raises:
            NoSupervisorError: no supervisor runs.
        """
        path = self._settings.files.run / "supervisor.json"
        try:
            record = json.loads(path.read_text())
            pid, started = int(record["pid"]), float(record["started"])
            # A number can have been given to another process since; its start time cannot.
            if abs(psutil.Process(pid).create_time() - started) > _SAME_PROCESS_SECONDS:
                raise NoSupervisorError
            os.kill(pid, signal.SIGHUP)
        except (OSError, ValueError, KeyError, TypeError, psutil.Error) as error:
            raise NoSupervisorError from error

    def _key(self, plan: LaunchPlan) -> str:
        if plan.engine == "openai":
            return os.environ.get("OPENAI_API_KEY", "")
        path = self._settings.files.engine_key
        return path.read_text().strip() if path.exists() else ""

    async def close(self) -> None:
        """Closes the connection to the engine."""
        if self._client:
            await self._client.close()
