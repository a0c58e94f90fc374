"""Catalogue + hardware + settings → what to launch, and why."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from engine.config import Settings
from engine.status import write_json


WEIGHTS = "{weights}"
"""Stands in a plan's argv for the weights' folder, which is known only once they are on the machine."""


@dataclass(frozen=True)
class LaunchPlan:
    """One engine launch. The supervisor runs it, the page reads from it how to talk to the engine.

    `env` is added to a small clean environment and holds no secret: the key is put in at the launch.
    """

    engine: str
    model: str
    """The model's name in the catalogue."""
    served_name: str
    """The name the engine knows the model by."""
    base_url: str
    pictures: Literal["file", "data"]
    argv: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    ready_path: str = "/health"
    key_env: str = "KIMI_ENGINE_KEY"
    """The environment variable by which the engine takes its key."""
    environment: Literal["", "cpu", "cuda"] = ""
    """The vLLM environment that it runs in, made before the launch; empty: none."""
    weights: str = ""
    """The weights to have before the launch, as `KIMI_MODEL` names them; empty: none."""
    context: int | None = None
    """The context the engine was launched with, in tokens; None: the model's own."""
    note: str = ""
    """What a person should know of this choice, e.g. why it is not the vision model."""
    reasons: tuple[str, ...] = ()

    def write(self, path: Path) -> None:
        """Hands the plan to the page."""
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> LaunchPlan:
        """The plan that the supervisor launched.

        Raises:
            FileNotFoundError: nothing was launched in this workspace yet.
        """
        raw = json.loads(path.read_text())
        return cls(**{**raw, "argv": tuple(raw["argv"]), "reasons": tuple(raw["reasons"])})


def reader_plan(settings: Settings, note: str = "", reasons: tuple[str, ...] = ()) -> LaunchPlan:
    """The OCR engine, which runs everywhere."""
    argv = (
        sys.executable, "-m", "engine.reader",
        "--host", "127.0.0.1", "--port", str(settings.engine_port),
        "--uploads", str(settings.files.uploads), "--model", "reader",
    )  # fmt: skip
    return LaunchPlan(
        engine="reader", model="reader", served_name="reader", argv=argv, pictures="file",
        base_url=f"http://127.0.0.1:{settings.engine_port}/v1", note=note, reasons=reasons,
    )  # fmt: skip


def make_plan(settings: Settings) -> LaunchPlan:
    """Chooses what to launch on this machine."""
    if settings.engine == "reader":
        return reader_plan(settings, reasons=("KIMI_ENGINE=reader asks for it.",))
    return reader_plan(settings, note="reader.auto", reasons=("No accelerator was found.",))
