"""The engine's state: the status and the plan that the supervisor writes, and the connection to the engine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable

from app import lazily
from app.lazily import openai
from app.upstream.client import EngineClient, model_of
from app.upstream.stall import Patience
from engine.config import Settings
from engine.engines.registry import engine_of
from engine.plans.launch import LaunchPlan
from engine.status import ComingStatus, EngineStatus, Reason, Status
from engine.supervise import control
from engine.wording import sentence

_LOOK_SECONDS = 0.25


class EngineFailedError(Exception):
    """The engine has failed, and only a retry will restart it; `reason` is the supervisor's."""

    def __init__(self, reason: Reason | None) -> None:
        super().__init__(sentence(reason))
        self.reason = reason


class NoSupervisorError(Exception):
    """No supervisor runs that could restart the engine."""


class EngineState:
    """Reads the workspace's state files; keeps one client for the launched plan."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.patience = Patience(settings.first_token_seconds, settings.idle_seconds)
        """How long the engine may be silent before the user is asked."""
        self._client: EngineClient | None = None
        self._retired: list[EngineClient] = []

    def status(self) -> EngineStatus:
        """The engine's current status."""
        return Status.read(self._settings.files.status).engine

    def coming(self) -> ComingStatus:
        """The better engine on its way, if there is one."""
        return Status.read(self._settings.files.status).coming

    def plan(self) -> LaunchPlan | None:
        """The launched plan; None before the first launch."""
        try:
            return LaunchPlan.read(self._settings.files.plan)
        except FileNotFoundError:
            return None

    def sees(self) -> bool:
        """Whether a model that sees and reasons answers now, rather than the reader, or nothing."""
        plan = self.plan()
        if plan is None or self.status().state != "ready":
            return False
        return engine_of(plan.engine).chats and model_of(plan).pictures_per_prompt > 0

    def client(self) -> EngineClient | None:
        """A client for the launched plan; None before the first launch."""
        plan = self.plan()
        if plan is None:
            return None
        if self._client is None or self._client.plan != plan:
            if self._client:
                self._retired.append(self._client)
            self._client = EngineClient(plan, self._key(plan))
        return self._client

    async def ready(self, report: Callable[[EngineStatus], Awaitable[None]] | None = None) -> EngineClient:
        """Waits until the engine is ready; calls `report` with each change of its status.

        Raises:
            EngineFailedError: it has failed for good.
        """
        reported: EngineStatus | None = None
        while True:
            await self._close_retired()
            status = self.status()
            # Nothing is awaited before the caller has it: a client that is not in use may be closed.
            client = self.client()
            if status.state == "ready" and client:
                return client
            if status.state == "failed":
                raise EngineFailedError(status.reason)
            if report and status != reported:
                reported = status
                await report(status)
            await asyncio.sleep(_LOOK_SECONDS)

    async def launched(self) -> EngineClient:
        """Waits until there is a plan, a moment after the start; the engine may not be ready yet."""
        while (client := self.client()) is None:
            await asyncio.sleep(_LOOK_SECONDS)
        return client

    async def warm_up(self) -> None:
        """Prepares the connection, for which the first question would otherwise wait a second or two."""
        await lazily.load()
        client = await self.launched()
        with contextlib.suppress(EngineFailedError, openai.APIError):
            client = await self.ready()
            await client.served()

    async def noticed(self, client: EngineClient, seconds: float = 10.0) -> bool:
        """After `client` lost its connection: whether the supervisor reports within `seconds` that its engine is gone.

        The engine is not ready then, or another one has taken over.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.status().state != "ready" or self.client() is not client:
                return True
            await asyncio.sleep(_LOOK_SECONDS)
        return False

    def retry(self) -> None:
        """Asks the supervisor to restart a failed engine.

        Raises:
            NoSupervisorError: no supervisor runs.
        """
        if not control.retry(self._settings.files):
            raise NoSupervisorError

    async def restart_if_failed(self, seconds: float = 10.0) -> None:
        """Restarts the engine if it has failed, and waits until it is starting.

        Raises:
            NoSupervisorError: no supervisor runs, or it does not react within `seconds`.
        """
        if self.status().state != "failed":
            return
        before = self.status()
        self.retry()
        deadline = time.monotonic() + seconds
        while self.status() == before:
            if time.monotonic() > deadline:
                raise NoSupervisorError
            await asyncio.sleep(_LOOK_SECONDS)

    def _key(self, plan: LaunchPlan) -> str:
        if plan.traits.remote:
            return os.environ.get("OPENAI_API_KEY", "")
        path = self._settings.files.engine_key
        return path.read_text().strip() if path.exists() else ""

    async def _close_retired(self) -> None:
        """Closes the clients of earlier plans that are no longer in use."""
        # Looked up again after each await, since several turns may close them at once.
        while client := next((client for client in self._retired if client.uses == 0), None):
            self._retired.remove(client)
            await client.close()

    async def close(self) -> None:
        """Closes the connections to the engine."""
        for client in (self._client, *self._retired):
            if client:
                await client.close()
