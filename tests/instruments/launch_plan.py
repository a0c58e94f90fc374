"""A launch plan for an engine that a test plays, as the supervisor would write it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.engines.registry import ENGINES
from engine.plans.launch import LaunchPlan


def launch_plan(base_url: str, /, *, engine: str = "sglang", **changes: Any) -> LaunchPlan:
    """The plan of a scripted engine at `base_url`, which the page takes for `engine`."""
    # No title for a chat, and no reading ahead, so that the engine receives only what a test asks.
    traits = replace(ENGINES[engine].traits, side_requests=False, caches_prompts=False)
    facts = {"model": "Kimi-VL-A3B-Thinking", "served_name": "scripted", "pictures": "file", "traits": traits}
    return LaunchPlan(engine=engine, **{"base_url": base_url, **facts, **changes})
