"""The reader: requested, the last choice of `auto`, or a fallback for a vision model that could not be started."""

from __future__ import annotations

import sys
from dataclasses import replace

from engine.catalog import Model
from engine.config import AUTO, Settings
from engine.engines.base import Engine
from engine.machine.detect import Hardware
from engine.plans.launch import EngineTraits, Guide, LaunchPlan
from engine.status import Reason

NAME = "reader"
TRAITS = EngineTraits(
    title="Reader (OCR)",
    title_zh="文字识别（reader）",
    unit="character",
    queue_metric="reader_pictures_waiting",
    reports_lines=True,
)


def reader_plan(settings: Settings, note: str = "", reasons: tuple[str, ...] = ()) -> LaunchPlan:
    """The plan for the reader, which runs everywhere."""
    argv = (
        sys.executable, "-m", "engine.reader",
        "--host", "127.0.0.1", "--port", str(settings.engine_port),
        "--uploads", str(settings.files.uploads), "--model", NAME,
    )  # fmt: skip
    return LaunchPlan(
        engine=NAME, traits=TRAITS, model=NAME, served_name=NAME, argv=argv, pictures="file", accelerator="CPU",
        base_url=f"http://127.0.0.1:{settings.engine_port}/v1", note=note, reasons=reasons,
        guide=Guide(checked="the reader reads its own arguments"),
    )  # fmt: skip


def stand_in(settings: Settings, why: Reason, tried: LaunchPlan | None = None) -> LaunchPlan | None:
    """The reader as a fallback for what could not be started; None if the user requested that by name.

    `why` becomes the plan's `failure`, which the page's banner shows; `tried` is the plan that failed.
    """
    if settings.engine != AUTO or (tried is not None and tried.engine == NAME):
        return None
    return replace(reader_plan(settings, "reader.fallback", tried.reasons if tried else ()), failure=why)


def _here(settings: Settings, _: Hardware, model: Model) -> LaunchPlan:
    # The reader has its own model.
    del model
    return reader_plan(settings)


READER = Engine(
    name=NAME,
    traits=TRAITS,
    here=_here,
    chats=False,
    no_bench=(
        "The reader generates no tokens, so a serving benchmark has nothing to count; "
        "start a vision model (KIMI_ENGINE=vllm ./start.sh), then ./start.sh bench."
    ),
)
