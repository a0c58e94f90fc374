"""Catalogue + hardware + settings → what to launch, and why."""

from __future__ import annotations

from engine.config import Settings
from engine.hardware import Hardware, detect
from engine.plans.ladder import plan_here
from engine.plans.launch import WEIGHTS, ForbiddenError, LaunchPlan, PlanError
from engine.plans.stand_in import stand_in

__all__ = ["WEIGHTS", "ForbiddenError", "LaunchPlan", "PlanError", "make_plan", "stand_in"]


def make_plan(settings: Settings, hardware: Hardware | None = None) -> LaunchPlan:
    """Chooses what to launch on this machine; looks at it, but touches no network and installs nothing.

    Raises:
        PlanError: the engine that `KIMI_ENGINE` names can't run here; never under `auto`.
    """
    return plan_here(settings, detect() if hardware is None else hardware)
