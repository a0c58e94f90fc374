"""The successor's launch."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from engine import processes
from engine.config import Settings
from engine.engines.reader import reader_plan
from engine.plans.launch import LaunchPlan
from engine.supervise import succession
from engine.supervise.succession import Succession


async def test_without_a_free_port_the_launch_fails_and_the_next_one_keeps_the_port_that_it_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports: list[Any] = [OSError(24, "Too many open files"), 4001]
    planned: list[int] = []

    def make_plan(settings: Settings) -> LaunchPlan:
        planned.append(settings.engine_port)
        return reader_plan(settings)

    monkeypatch.setattr(processes, "free_port", Mock(side_effect=ports))
    monkeypatch.setattr(succession, "make_plan", make_plan)
    successor = Succession(Settings(_env_file=None, workspace=tmp_path), Mock())
    with pytest.raises(OSError, match="Too many open files"):
        await successor._launch(lambda *_: None)
    for _ in range(2):
        await successor._launch(lambda *_: None)
    assert planned == [4001, 4001]
