"""Launches nano as a plan says, examines it, and ends it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from engine.config import Settings
from engine.machine.load import LoadMeter
from engine.machine.vendor import Device
from engine.measure.functional import CheckFailedError, Server, check_thinking, find_served
from engine.measure.launched import LaunchError, launched
from engine.nano import exam
from engine.nano.exam import Candidate, Marks
from engine.plans.flags import value
from engine.plans.launch import LaunchPlan
from engine.processes import Group
from engine.status import Phase
from engine.supervise.prepare import prepare
from engine.supervise.service import PermanentError
from engine.wording import doing

ENOUGH = 0.85
"""The share of answers that must be right: an engine that scrambles pictures gets half of the shapes, a blind one an
eighth; a sound one 96 per cent."""
_OFFLOADED = re.compile(r"offloaded (\d+/\d+) layers to GPU")
"""llama.cpp says so."""

Say = Callable[[str], None]


class TrialError(Exception):
    """Nano could not be started or asked; the text is one sentence."""


@dataclass(frozen=True)
class Trial:
    """What nano showed."""

    ready_seconds: float
    shapes: Marks
    counts: Marks
    together: float
    """Tokens a second, several questions at once."""
    stream: str
    """What `./start.sh verify` says of a streamed answer and its thoughts."""
    streams: bool
    """Whether that is good."""
    memory: int
    """RAM of all its processes, in bytes."""
    devices: tuple[tuple[str, int], ...]
    """Each accelerator's name, and the memory that it holds more than before, in bytes."""
    layers: str | None
    """llama.cpp's layers on the GPU, of how many; empty: it names none. None: none were planned there."""

    @property
    def sees(self) -> bool:
        """Whether pictures reach it whole."""
        return self.shapes.at_least(ENOUGH)

    @property
    def counts_well(self) -> bool:
        """Whether it keeps its place over hundreds of tokens."""
        return self.counts.at_least(ENOUGH)

    @property
    def reaches_gpu(self) -> bool:
        """Whether llama.cpp uses the GPU as planned: if it reaches none, it goes on with the processor."""
        return self.layers is None or self.layers.partition("/")[0] not in {"", "0"}

    @property
    def passed(self) -> bool:
        """Whether the engine works, as far as nano can show it."""
        return self.sees and self.counts_well and self.streams and self.reaches_gpu


async def attempt(plan: LaunchPlan, settings: Settings, log: Path, say: Say) -> Trial:
    """Runs nano once; its output goes to `log`.

    Raises:
        TrialError: it does not start, or does not answer.
    """
    try:
        plan = await prepare(plan, settings, _reporting(say))
    except PermanentError as error:
        raise TrialError(str(error)) from None
    meter = LoadMeter(settings.workspace)
    before = meter.read().devices
    try:
        async with launched(plan, log) as engine:
            examined = await asyncio.to_thread(_examined, plan, engine.key)
            taken = _taken(before, meter.read().devices)
            return Trial(engine.ready_seconds, *examined, _memory(engine.group), taken, _layers(plan, log))
    except LaunchError as error:
        raise TrialError(str(error)) from None
    except exam.ExamError as error:
        raise TrialError(f"{error} Its output is in {log}.") from None


def _reporting(say: Say) -> Callable[[Phase, float | None], None]:
    told: set[Phase] = set()

    def report(phase: Phase, _: float | None) -> None:
        if phase not in told:
            told.add(phase)
            say(doing(phase))

    return report


def _examined(plan: LaunchPlan, key: str) -> tuple[Marks, Marks, float, str, bool]:
    candidate = Candidate(plan.base_url, key, plan.picture_patches)
    shapes = exam.shapes(candidate)
    counts, together = exam.counts(candidate)
    server = Server(plan.base_url, key, plan.served_name)
    try:
        return shapes, counts, together, check_thinking(server, find_served(server)), True
    except CheckFailedError as error:
        return shapes, counts, together, str(error), False


def _memory(group: Group) -> int:
    total = 0
    for member in group.members():
        with contextlib.suppress(psutil.Error):
            total += member.memory_info().rss
    return total


def _taken(before: Sequence[Device], now: Sequence[Device]) -> tuple[tuple[str, int], ...]:
    pairs = zip(before, now, strict=False)
    return tuple((later.name, max(0, (later.used or 0) - (earlier.used or 0))) for earlier, later in pairs)


def _layers(plan: LaunchPlan, log: Path) -> str | None:
    if value(plan.argv, "--gpu-layers") is None:
        return None
    found = _OFFLOADED.search(log.read_text(errors="replace"))
    return found[1] if found else ""
