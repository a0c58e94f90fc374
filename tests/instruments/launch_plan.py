"""A launch plan for an engine that a test plays, as the supervisor would write it."""

from __future__ import annotations

from typing import Any

from engine.engines.registry import ENGINES
from engine.plans.launch import LaunchPlan


def launch_plan(base_url: str, /, *, engine: str = "sglang", **changes: Any) -> LaunchPlan:
    """The plan of a scripted engine at `base_url`, which the page takes for `engine`."""
    facts: dict[str, Any] = {"model": "Kimi-VL-A3B-Thinking", "served_name": "scripted", "pictures": "file"}
    return LaunchPlan(engine=engine, traits=ENGINES[engine].traits, **{"base_url": base_url, **facts, **changes})
