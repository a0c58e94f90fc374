"""What the first engine's service starts while a better engine is on its way, and after that has taken over."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.config import Settings
from engine.engines.reader import reader_plan
from engine.engines.watcher import Watcher
from engine.plans.launch import LaunchPlan
from engine.supervise import supervisor, workspace_lock
from engine.supervise.supervisor import Supervisor
from tests.instruments.ports import free_port


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None, engine="auto", workspace=tmp_path / "w", engine_port=free_port(), port=free_port(), log_mb=1
    )


@pytest.fixture
def starter(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    """A supervisor whose better engine's weights are not here at its first plan, and are at the next."""
    better = replace(reader_plan(settings), engine="llama", model="Kimi-VL-A3B-Thinking-2506", reasons=("Why.",))
    plans = [replace(better, to_fetch=11), better]
    monkeypatch.setattr(supervisor, "make_plan", lambda _: plans.pop(0))
    settings.files.create()
    with workspace_lock.holding(settings.files.lock):
        made = Supervisor(settings, lambda _: None)
        made._take_over()
        made._services = [made._page(), made._engine()]
        yield made


async def test_a_reader_that_ends_meanwhile_starts_again_and_not_a_second_of_the_better_engine(
    starter: Supervisor, settings: Settings
) -> None:
    for _ in range(2):
        launch = await starter._launch_engine(lambda *_: None)
        assert launch is not None
        assert launch.argv[1:3] == ("-m", "engine.reader")
        plan = LaunchPlan.read(settings.files.plan)
        assert (plan.engine, plan.note, plan.reasons) == ("reader", "reader.meanwhile", ("Why.",))


def test_both_engines_rotate_one_log_and_lose_nothing_of_it(starter: Supervisor, settings: Settings) -> None:
    second = starter.successor(starter._launch_page, lambda **_: None, Watcher)
    logs = [starter._services[1]._log, second._log]
    limit = settings.log_mb * 1_000_000
    for number in range(4):
        for log in logs:
            log.write(b"%d" % number + b"x" * (limit // 2) + b"\n")
    for log in logs:
        log.close()
    kept = [settings.files.llm_log.with_name(f"llm.log.{number}").read_bytes() for number in (1, 2, 3)]
    assert [re.findall(rb"^\d", data, re.MULTILINE) for data in kept] == [[b"3", b"3"], [b"2", b"2"], [b"1", b"1"]]


async def test_a_reader_that_ends_after_the_takeover_stays_down(starter: Supervisor, settings: Settings) -> None:
    starter._succession.taken_over = True
    await asyncio.wait_for(starter._services[1].run(), 30)
    assert not settings.files.plan.exists()
