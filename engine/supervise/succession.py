"""A better engine takes the reader's place: its weights are fetched and its model loads while the reader answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

from engine import processes
from engine.catalog import find_model
from engine.config import Settings
from engine.engines.choice import make_plan
from engine.engines.registry import engine_of
from engine.engines.watcher import Watcher
from engine.install.fetching import Report
from engine.plans.launch import LaunchPlan, PlanError
from engine.status import ComingStatus, Reason
from engine.supervise import consent
from engine.supervise.bringing import bring, until_idle
from engine.supervise.prepare import prepare
from engine.supervise.service import Launch, PermanentError, Service
from engine.wording import sentence


class Host(Protocol):
    """What of the supervisor it needs."""

    def successor(
        self, launch: Callable[[Report], Awaitable[Launch]], report: Callable[..., None], watcher: Callable[[], Watcher]
    ) -> Service:
        """A second engine beside the first."""

    def launch_of(self, plan: LaunchPlan, port: int) -> Launch:
        """What starts the plan's engine at this port."""

    def show(self, plan: LaunchPlan) -> None:
        """Has everybody know what answers."""

    def engine_changed(self, **changes: Any) -> None:
        """Tells of the engine that answers."""

    def coming_changed(self, **changes: Any) -> None:
        """Tells of the one on its way."""

    def retire_first(self) -> None:
        """Ends the reader."""


class Succession:
    """At most one in the life of a supervisor: `want` says by whom."""

    def __init__(self, settings: Settings, host: Host) -> None:
        self._settings = settings
        self._host = host
        self._better: LaunchPlan | None = None
        self._known = asyncio.Event()
        self._bringing: asyncio.Task[None] | None = None
        self._retiring: asyncio.Task[None] | None = None
        self._stopped = False
        self._state: dict[str, Any] = {}
        """Of the better engine, until it answers."""
        self.taken_over = False
        """Whether it answers in the reader's place."""

    def begin(self) -> None:
        """Gets ready to hear of a better engine."""
        consent.begin(self._settings)
        self._bringing = asyncio.create_task(self._bring())

    def want(self, plan: LaunchPlan) -> None:
        """This is what is launched once it is here."""
        self._better = plan
        self._known.set()

    def stop(self) -> None:
        """Ends a download; the engine itself ends as a service of the supervisor's."""
        self._stopped = True
        if self._bringing:
            self._bringing.cancel()

    async def run(self) -> None:
        """Returns when the better engine has ended, or there was none and `stop` was called."""
        assert self._bringing is not None
        await asyncio.wait({self._bringing})
        if self._stopped or self._bringing.cancelled():
            return
        self._bringing.result()
        settings = self._settings.model_copy(update={"engine_port": processes.free_port()})
        await self._host.successor(partial(self._launch, settings), self._changed, self._watcher).run()

    async def _bring(self) -> None:
        await self._known.wait()
        assert self._better is not None
        self._host.coming_changed(title=find_model(self._better.model).title, total=self._better.to_fetch)
        await bring(self._better, self._settings, self._host.coming_changed)

    async def _launch(self, settings: Settings, report: Report) -> Launch:
        try:
            plan = await asyncio.to_thread(make_plan, settings)
        except PlanError as error:
            raise PermanentError(Reason.of_text(str(error))) from None
        self._better = await prepare(plan, settings, report)
        if self.taken_over:
            self._host.show(self._better)
        return self._host.launch_of(self._better, settings.engine_port)

    def _watcher(self) -> Watcher:
        return engine_of(self._better.engine if self._better else "").watcher()

    def _changed(self, **changes: Any) -> None:
        if self.taken_over:
            self._host.engine_changed(**changes)
            return
        self._state |= changes
        match changes.get("state"):
            case "ready":
                self._take_over()
            case "failed":
                self._host.coming_changed(state="failed", reason=self._state.get("reason"))
            case "starting":
                self._host.coming_changed(state="loading", speed=None, reason=None)

    def _take_over(self) -> None:
        assert self._better is not None
        self.taken_over = True
        self._host.show(self._better)
        self._host.engine_changed(**self._state)
        self._host.coming_changed(state="ready")
        self._retiring = asyncio.create_task(self._retire())

    async def _retire(self) -> None:
        """Ends the reader once it has answered those whom it was answering."""
        await until_idle(f"http://127.0.0.1:{self._settings.engine_port}/metrics")
        self._host.retire_first()


def in_words(coming: ComingStatus) -> str:
    """What the terminal says of it."""
    size = f"{coming.total / 1000**3:.1f} GB"
    match coming.state:
        case "asking":
            return f"{coming.title} could answer here: {size} to fetch. Say yes on the page, or set KIMI_DOWNLOAD."
        case "declined":
            return f"{coming.title} ({size}) is not fetched; the reader answers."
        case "fetching":
            return f"Fetching {coming.title} ({size}); the reader answers meanwhile."
        case "loading":
            return f"{coming.title} is here and loads; the reader answers meanwhile."
        case "ready":
            return f"{coming.title} is ready: new questions go to it."
        case _:
            return f"{coming.title} can't be had: {sentence(coming.reason)}"
