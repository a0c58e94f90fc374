"""The reader: asked for, the last rung of the ladder, or in the place of a vision model that could not be started."""

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
    title="Reader (OCR)", title_zh="文字识别（reader）", unit="character", queue_metric="reader_pictures_waiting"
)


def reader_plan(settings: Settings, note: str = "", reasons: tuple[str, ...] = ()) -> LaunchPlan:
    """The OCR engine, which runs everywhere."""
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
    """The reader in the place of what could not be started; None where a person has asked for that by name.

    `why` is its `failure`, which the page's banner shows; `tried` is what was to be launched.
    """
    if settings.engine != AUTO or (tried is not None and tried.engine == NAME):
        return None
    return replace(reader_plan(settings, "reader.fallback", tried.reasons if tried else ()), failure=why)


def _here(settings: Settings, _: Hardware, model: Model) -> LaunchPlan:
    # Whatever model was named: it has its own.
    del model
    return reader_plan(settings)


READER = Engine(
    name=NAME,
    traits=TRAITS,
    here=_here,
    chats=False,
    no_bench=(
        "The reader generates no tokens, so there is nothing that a serving benchmark could count; "
        "start a vision model (KIMI_ENGINE=vllm ./start.sh), then ./start.sh bench."
    ),
)
