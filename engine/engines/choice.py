"""Catalogue + hardware + settings → what to launch, and why."""

from __future__ import annotations

from engine.config import Settings
from engine.engines.ladder import plan_here
from engine.machine.detect import Hardware, detect
from engine.plans.launch import LaunchPlan


def make_plan(settings: Settings, hardware: Hardware | None = None) -> LaunchPlan:
    """Chooses what to launch on this machine. It inspects the machine, but uses no network and installs nothing.

    Raises:
        PlanError: the engine that `KIMI_ENGINE` names can't run here; never under `auto`.
    """
    return plan_here(settings, detect() if hardware is None else hardware)
