"""What differs between engines: each has one `Engine` in its own folder. `registry.py` lists them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.catalog import Model
from engine.config import ROOT, Settings
from engine.engines.watcher import Watcher
from engine.machine.detect import Hardware
from engine.plans.flags import NO_FLAGS, FlagNames
from engine.plans.launch import EngineTraits, LaunchPlan
from engine.plans.request import Place, Request
from engine.plans.target import Target
from engine.tracing import engine_traces


@dataclass(frozen=True)
class Environment:
    """An environment of packages that only this engine needs, made before its first launch."""

    folder: str
    """Its path in the project's folder."""
    module: str
    """`python -m MODULE BUILD OPTIONS…` makes it unless it exists; on failure, the last line says why."""
    options: Callable[[Settings], list[str]]
    is_ready: Callable[[Path, str, Settings], bool]
    """Whether it is complete, given the project's folder, the plan's `environment` and the settings."""


@dataclass(frozen=True)
class Workload:
    """The task of an engine's benchmark program. Lengths are in tokens."""

    python: str
    """The program that the engine was started with."""
    root_url: str
    """The engine's address, without `/v1`."""
    weights: str
    """The folder of its weights, where the tokenizer is."""
    served_name: str
    input_len: int
    output_len: int
    picture: tuple[int, int] | None
    """Width and height of the one picture in each prompt; None: only text."""
    prompts: int
    concurrency: int
    rate: float | None
    """Requests that begin in a second; None: as many as `concurrency` lets."""
    seed: int
    """The seed that draws the prompts."""
    output: Path
    """The file for the report in JSON, of which the last line is read."""


@dataclass(frozen=True)
class Proof:
    """How nano replaces a large model on this engine, for `./start.sh prove`."""

    plan: Callable[[Settings, Hardware], LaunchPlan]
    """Nano's launch, on the device that a large model would get. Raises PlanError."""
    unproven: tuple[str, ...]
    """Sentences on what of a large model it can't prove on this engine."""


@dataclass(frozen=True)
class Engine:
    """One engine: everything that the rest of the program must know about it."""

    name: str
    """Its name in `KIMI_ENGINE`, the catalogue and the status."""
    traits: EngineTraits
    """What the web process must know about it."""
    here: Callable[[Settings, Hardware, Model], LaunchPlan]
    """The launch on this machine. Raises PlanError if it can't run here."""
    elsewhere: Callable[[Request], LaunchPlan] | None = None
    """The launch on another machine, for `./start.sh plan`. Raises ForbiddenError. None: there is nothing to plan."""
    aliases: tuple[str, ...] = ()
    """Further names that `./start.sh plan --engine` accepts."""
    automatic: bool = False
    """Whether `KIMI_ENGINE=auto` tries it."""
    automatic_note: str = ""
    """The note of a plan that `auto` chose, if the plan itself has none."""
    any_model: bool = False
    """Whether it may serve a model that is not in the catalogue."""
    chats: bool = True
    """Whether it answers text; otherwise it only reads pictures."""
    flags: FlagNames = NO_FLAGS
    """Its names for the flags that we look up in its command line."""
    environment: Environment | None = None
    """How to make the `environment` that its plans name."""
    watcher: Callable[[], Watcher] = Watcher
    """Reads the log of one run."""
    probed: bool = True
    """Whether it may regularly be asked a tiny question, to notice when it hangs."""
    work_metrics: tuple[str, ...] = ()
    """Metrics that show it at work, besides its token counters."""
    bench: Callable[[Workload], list[str]] | None = None
    """The command line of its benchmark program, without a key. None: it has none."""
    proof: Proof | None = None
    """None: nano does not run on it."""
    no_bench: str = ""
    """Why there is no benchmark, and what to do instead; `{url}` becomes its address."""


def request_here(settings: Settings, model: Model, target: Target, program: str, cores: int | None = None) -> Request:
    """What this machine's user asks of an engine that `program` starts here; `cores` as `Place` has them."""
    place = Place(
        settings.engine_port, ROOT, settings.files.uploads, Path(program), here=True,
        models=settings.models_folder, cores=cores, traces=engine_traces(os.environ),
    )  # fmt: skip
    return Request(model, target, place, settings.preset, wanted=settings.model, picture_tokens=settings.picture_tokens)
