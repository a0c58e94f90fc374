"""What differs between engines: one `Engine` each, in its own folder. `registry.py` lists them."""

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
    """Packages that an engine needs beside ours, made before its first launch."""

    folder: str
    """Where it is, below the project's folder."""
    module: str
    """`python -m MODULE BUILD OPTIONS…` makes it unless it is there; its last line says what failed."""
    options: Callable[[Settings], list[str]]
    is_ready: Callable[[Path, str, Settings], bool]
    """Whether it is there and complete: the project's folder, the plan's `environment`, the settings."""


@dataclass(frozen=True)
class Workload:
    """What an engine's benchmark program is to do. Lengths are in tokens."""

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
    """Width and height of the one picture in each prompt; None: text alone."""
    prompts: int
    concurrency: int
    seed: int
    """Draws the prompts."""
    output: Path
    """The file for the report: JSON, its last line is read."""


@dataclass(frozen=True)
class Engine:
    """One engine: everything that the rest of the program must know of it."""

    name: str
    """What `KIMI_ENGINE`, the catalogue and the status call it."""
    traits: EngineTraits
    """What the page must know of it."""
    here: Callable[[Settings, Hardware, Model], LaunchPlan]
    """The launch on this machine. Raises PlanError where it can't run here."""
    elsewhere: Callable[[Request], LaunchPlan] | None = None
    """The launch on another machine, for `./start.sh plan`. Raises ForbiddenError. None: there is nothing to plan."""
    aliases: tuple[str, ...] = ()
    """Further names by which `./start.sh plan --engine` takes it."""
    automatic: bool = False
    """Whether `KIMI_ENGINE=auto` tries it."""
    automatic_note: str = ""
    """The note of a plan that `auto` has chosen, where the plan has none."""
    any_model: bool = False
    """Whether it may serve a model that the catalogue has not."""
    chats: bool = True
    """Whether it answers text; one that does not only reads pictures."""
    flags: FlagNames = NO_FLAGS
    """What its command line calls what others must find there."""
    environment: Environment | None = None
    """Where its plans name an `environment`: what makes it."""
    watcher: Callable[[], Watcher] = Watcher
    """Reads the log of one start."""
    probed: bool = True
    """Whether a tiny question may be asked now and then to see that it does not hang."""
    work_metrics: tuple[str, ...] = ()
    """Metrics that show it at work, beside its counters of tokens."""
    bench: Callable[[Workload], list[str]] | None = None
    """The command line of its benchmark program, which holds no key. None: it has none."""
    no_bench: str = ""
    """Why there is no benchmark, and what to do instead; `{url}` is its address."""


def request_here(settings: Settings, model: Model, target: Target, program: str, cores: int | None = None) -> Request:
    """What this machine's user asks of an engine that `program` starts here; `cores` as `Place` has them."""
    place = Place(
        settings.engine_port, ROOT, settings.files.uploads, Path(program), here=True,
        models=settings.models_folder, cores=cores, traces=engine_traces(os.environ),
    )  # fmt: skip
    return Request(model, target, place, settings.preset, wanted=settings.model, picture_tokens=settings.picture_tokens)
