"""A toy engine: one `Engine` and one line in `ENGINES` are all that a new engine needs."""

import re
import sys
from pathlib import Path

import pytest
from rich.console import Console

from app.status.overview import Overview
from app.upstream.client import EngineClient
from app.upstream.state import EngineState
from engine.catalog import Model
from engine.commands.status_view import show
from engine.config import ROOT, Settings
from engine.engines import registry
from engine.engines.base import Engine
from engine.engines.choice import make_plan
from engine.engines.watcher import Watcher
from engine.machine.detect import Hardware
from engine.plans.launch import EngineTraits, LaunchPlan
from engine.status import Phase, Status
from engine.supervise import timeline
from engine.supervise.supervisor import Supervisor
from tests.engine.test_fallback import run_until
from tests.instruments.ports import free_port

TRAITS = EngineTraits(title="Toy", title_zh="玩具", unit="character", queue_metric="toy_waiting")


class ToyLog(Watcher):
    def feed(self, line: str) -> None:
        if found := re.match(r"toy: winding up, (\d+) %", line):
            self.phase, self.percent = Phase.WARMING_UP, float(found[1])


def toy_plan(settings: Settings, _: Hardware, model: Model) -> LaunchPlan:
    program = str(ROOT / "tests" / "instruments" / "program.py")
    says = ("--say", "toy: winding up, 40 %", "--ready-after", "0.5")
    return LaunchPlan(
        engine="toy", traits=TRAITS, model=model.name, served_name=model.name, pictures="data", accelerator="a spring",
        base_url=f"http://127.0.0.1:{settings.engine_port}/v1",
        argv=(sys.executable, program, str(settings.engine_port), *says),
    )  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    toy = Engine(name="toy", traits=TRAITS, here=toy_plan, any_model=True, automatic=True, watcher=ToyLog)
    monkeypatch.setitem(registry.ENGINES, "toy", toy)
    settings = Settings(_env_file=None, engine="toy", model="a-toy", workspace=tmp_path / "w", engine_port=free_port())
    settings.files.create()
    return settings


def test_it_is_planned_where_it_is_asked_for_and_under_auto(settings: Settings) -> None:
    registry.check(settings)
    plan = make_plan(settings, Hardware())
    assert (plan.engine, plan.model, plan.reasons[0]) == ("toy", "a-toy", "KIMI_ENGINE=toy asks for it.")
    found = make_plan(settings.model_copy(update={"engine": "auto", "model": "Kimi-VL-A3B-Thinking"}), Hardware())
    assert found.engine == "toy"
    assert any("put your own llama-server on the PATH" in reason for reason in found.reasons), "what was passed over"


async def test_it_is_started_watched_and_shown(settings: Settings) -> None:
    supervisor = Supervisor(settings, lambda _: None)
    await run_until(supervisor, settings, "ready")
    changes = timeline.read(settings.files.timeline, 20)
    assert ("starting", Phase.WARMING_UP) in [(change.state, change.phase) for change in changes]
    overview = Overview(settings, EngineState(settings))
    assert overview.read("en")["plan"] | {"reasons": None} == {
        "engine": "Toy", "unit": "character", "model": "a-toy", "title": "a-toy", "accelerator": "a spring",
        "context": 32768, "reasons": None,
    }  # fmt: skip
    assert overview.read("zh")["plan"]["engine"] == "玩具"
    console = Console(record=True, width=200)
    show(settings, Status.read(settings.files.status), LaunchPlan.read(settings.files.plan), console)
    assert "a-toy on toy, a spring" in console.export_text()


async def test_the_page_talks_to_it_as_its_traits_say(settings: Settings) -> None:
    plan = make_plan(settings, Hardware())
    plan.write(settings.files.plan)
    assert LaunchPlan.read(settings.files.plan) == plan
    client = EngineClient(plan, "key")
    assert await client.count(["two words"], "a-toy") == {"two words": 9}
    assert not client.queue.reports_tokens
    await client.close()
