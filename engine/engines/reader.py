"""The reader: asked for, the last rung of the ladder, or in the place of a vision model that could not be started."""

from __future__ import annotations

import sys
from dataclasses import replace

from engine.config import Settings
from engine.plans.launch import LaunchPlan
from engine.status import Reason


def reader_plan(settings: Settings, note: str = "", reasons: tuple[str, ...] = ()) -> LaunchPlan:
    """The OCR engine, which runs everywhere."""
    argv = (
        sys.executable, "-m", "engine.reader",
        "--host", "127.0.0.1", "--port", str(settings.engine_port),
        "--uploads", str(settings.files.uploads), "--model", "reader",
    )  # fmt: skip
    return LaunchPlan(
        engine="reader", model="reader", served_name="reader", argv=argv, pictures="file", accelerator="CPU",
        base_url=f"http://127.0.0.1:{settings.engine_port}/v1", note=note, reasons=reasons,
        checked="the reader reads its own arguments",
    )  # fmt: skip


def stand_in(settings: Settings, why: Reason, tried: LaunchPlan | None = None) -> LaunchPlan | None:
    """The reader in the place of what could not be started; None where a person has asked for that by name.

    `why` is its `failure`, which the page's banner shows; `tried` is what was to be launched.
    """
    if settings.engine != "auto" or (tried is not None and tried.engine == "reader"):
        return None
    return replace(reader_plan(settings, "reader.fallback", tried.reasons if tried else ()), failure=why)
