"""The reader answers while a better engine is fetched; then that one does, without a restart."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from app.talk.conversation import Answer, Turn
from app.turn.run import Job, run
from app.upstream.state import EngineState
from engine.config import Settings
from engine.install.fetching import Report
from engine.nano.questions import numbers
from engine.plans.launch import LaunchPlan
from engine.status import ComingStatus, Phase, Reason, Status
from engine.supervise import bringing, consent, succession, supervisor, workspace_lock
from engine.supervise.service import PermanentError
from engine.supervise.supervisor import Supervisor
from tests.instruments.llama_server import nano_plan
from tests.instruments.ports import free_port
from tests.unit.app.turn.test_run import Screen

pytestmark = pytest.mark.llama
TOTAL = 11_000_000_000


class Hub:
    """Plays the download: half of it comes, and then what a test says."""

    def __init__(self) -> None:
        self.finish = asyncio.Event()
        self.fails = ""
        self.begun = self.ended_early = 0

    async def prepare(self, plan: LaunchPlan, _: Settings, report: Report) -> LaunchPlan:
        self.begun += 1
        try:
            for percent in (10.0, 20.0, 50.0):
                report(Phase.DOWNLOADING, percent)
                await asyncio.sleep(0.1)
            if self.fails:
                raise PermanentError(Reason.of_text(self.fails))
            await self.finish.wait()
        except asyncio.CancelledError:
            self.ended_early += 1
            raise
        return plan


class Stage:
    """A product under `auto` whose better engine is nano on the real llama-server."""

    def __init__(self, settings: Settings, hub: Hub) -> None:
        self.settings, self.hub = settings, hub
        self.told: list[str] = []
        self.supervisor = Supervisor(settings, self.told.append)

    def status(self) -> Status:
        return Status.read(self.settings.files.status)

    async def until(self, state: str) -> ComingStatus:
        async with asyncio.timeout(120):
            while self.status().coming.state != state:
                await asyncio.sleep(0.05)
        return self.status().coming

    async def until_ready(self, kind: str) -> None:
        async with asyncio.timeout(120):
            while (self.status().engine.kind, self.status().engine.state) != (kind, "ready"):
                await asyncio.sleep(0.05)

    def say(self, word: consent.Word) -> None:
        consent.answer(self.settings.files, word)


@asynccontextmanager
async def staged(
    program: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, **values: object
) -> AsyncIterator[Stage]:
    hub = Hub()
    settings = Settings(
        _env_file=None, engine="auto", model="nano", workspace=folder / "w", engine_port=free_port(), port=free_port(),
        **values,
    )  # fmt: skip
    settings.files.create()

    def make_plan(settings: Settings) -> LaunchPlan:
        plan = nano_plan(program, settings.models_folder, settings.files.uploads, settings.engine_port)
        plan = replace(plan, weights="nano")
        return plan if hub.finish.is_set() else replace(plan, to_fetch=TOTAL)

    monkeypatch.setattr(supervisor, "make_plan", make_plan)
    monkeypatch.setattr(succession, "make_plan", make_plan)
    monkeypatch.setattr(bringing, "prepare", hub.prepare)
    monkeypatch.setattr(bringing, "_LAST_WORDS", 0.2)
    # The page is not what this is about.
    monkeypatch.setattr(Supervisor, "_page", lambda _: Idle())
    stage = Stage(settings, hub)
    of_other_tests = _llama_servers()
    with workspace_lock.holding(settings.files.lock) as held:
        stage.supervisor._take_over()
        running = asyncio.create_task(stage.supervisor._run(held))
        try:
            yield stage
        finally:
            stage.supervisor._stop()
            await running
    assert _llama_servers() <= of_other_tests


def _llama_servers() -> set[psutil.Process]:
    return {child for child in psutil.Process().children(recursive=True) if "llama-server" in child.name()}


class Idle:
    """The page's place among the services."""

    def __init__(self) -> None:
        self._over = asyncio.Event()

    async def run(self) -> None:
        await self._over.wait()

    def stop(self) -> None:
        self._over.set()

    def retry(self) -> None:
        pass


async def answer_of(settings: Settings, question: str) -> str:
    state = EngineState(settings)
    try:
        job = Job((Turn("1", question),), Answer(), {})
        await run(state, job, Screen())
        return job.answer.text
    finally:
        await state.close()


async def test_it_asks_fetches_stops_where_it_is_declined_and_takes_over(
    llama_program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(llama_program, tmp_path, monkeypatch) as stage:
        await stage.until_ready("reader")
        asking = await stage.until("asking")
        assert (asking.title, asking.total) == ("nano (a test instrument, not an assistant)", TOTAL)
        assert LaunchPlan.read(stage.settings.files.plan).note == "reader.meanwhile"
        assert stage.hub.begun == 0

        stage.say("yes")
        await stage.until("fetching")
        async with asyncio.timeout(30):
            while stage.status().coming.done != TOTAL // 2:
                await asyncio.sleep(0.05)
        assert (stage.status().coming.speed or 0) > 0
        stage.say("no")
        await stage.until("declined")
        assert (stage.hub.begun, stage.hub.ended_early) == (1, 1)
        assert stage.status().engine.kind == "reader"

        stage.say("yes")
        await stage.until("fetching")
        stage.hub.finish.set()
        await stage.until("ready")
        await stage.until_ready("llama")
        plan = LaunchPlan.read(stage.settings.files.plan)
        assert (plan.engine, plan.model) == ("llama", "nano")
        assert plan.base_url != f"http://127.0.0.1:{stage.settings.engine_port}/v1"
        assert await answer_of(stage.settings, "Count from 1 to 7") == numbers(7)
        async with asyncio.timeout(60):
            while "engine" in json.loads(stage.settings.files.groups.read_text())["groups"]:
                await asyncio.sleep(0.05)
        assert stage.status().engine.state == "ready"
        assert any("is ready: new questions go to it" in line for line in stage.told)


async def test_what_can_not_be_had_is_told_and_another_yes_tries_again(
    llama_program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(llama_program, tmp_path, monkeypatch, download="yes") as stage:
        stage.hub.fails = "huggingface.co can't be reached from this machine."
        failed = await stage.until("failed")
        assert failed.reason == Reason.of_text(stage.hub.fails)
        await stage.until_ready("reader")
        stage.hub.fails = ""
        stage.say("yes")
        await stage.until("fetching")
        stage.hub.finish.set()
        await stage.until_ready("llama")


async def test_a_stop_ends_the_download(llama_program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(llama_program, tmp_path, monkeypatch, download="yes") as stage:
        await stage.until("fetching")
    assert stage.hub.ended_early == 1
