"""Launches nano as a plan says, examines it, and ends it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import psutil

from engine import processes
from engine.config import ROOT, Settings
from engine.engines.registry import engine_of
from engine.machine.load import LoadMeter
from engine.measure.functional import CheckFailedError, Server, check_thinking, find_served
from engine.nano import exam
from engine.nano.exam import Candidate, Marks
from engine.plans.launch import LaunchPlan
from engine.processes import Group
from engine.status import Phase
from engine.supervise.prepare import prepare
from engine.supervise.service import PermanentError
from engine.supervise.supervisor import engine_environment
from engine.system.local_http import get_text
from engine.wording import doing, sentence

ENOUGH = 0.85
"""The share of answers that must be right: an engine that scrambles pictures gets half of the shapes, a blind one an
eighth; a sound one 96 per cent."""
_READY_SECONDS = 900.0
"""Until it answers: kernels may be compiled first."""
_LOOK_SECONDS = 0.2
_GRACE = 20.0
_LAST_LINES = 5
_LONGEST_LINE = 65536
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
    devices: dict[str, int]
    """Memory that each accelerator holds more than before, in bytes, by name."""
    offloaded: str
    """llama.cpp's layers on the GPU, of how many; empty: it does not say."""

    @property
    def sees(self) -> bool:
        """Whether pictures reach it whole."""
        return self.shapes.at_least(ENOUGH)

    @property
    def counts_well(self) -> bool:
        """Whether it keeps its place over hundreds of tokens."""
        return self.counts.at_least(ENOUGH)

    @property
    def passed(self) -> bool:
        """Whether the engine works, as far as nano can show it."""
        return self.sees and self.counts_well and self.streams


async def attempt(plan: LaunchPlan, settings: Settings, log: Path, say: Say) -> Trial:
    """Runs nano once; its output goes to `log`.

    Raises:
        TrialError: it does not start, or does not answer.
    """
    try:
        plan = await prepare(plan, settings, _reporting(say))
    except PermanentError as error:
        raise TrialError(str(error)) from None
    key, meter = secrets.token_urlsafe(), LoadMeter(settings.workspace)
    before = {device.name: device.used or 0 for device in meter.read().devices}
    env = engine_environment() | plan.env | {plan.key_env: key}
    began = time.monotonic()
    try:
        process, output = await processes.start(plan.argv, env, ROOT)
    except OSError as error:
        raise TrialError(f"{plan.argv[0]} can't be started: {error.strerror}.") from None
    group = Group.of(process.pid)
    listening = _Log(plan, log)
    hearing = asyncio.create_task(listening.hear(output))
    try:
        await _until_ready(plan, process, listening, began)
        seconds = time.monotonic() - began
        examined = await asyncio.to_thread(_examined, plan, key)
        now = {device.name: device.used or 0 for device in meter.read().devices}
        return Trial(
            seconds, *examined, _memory(group),
            {name: max(0, used - before.get(name, 0)) for name, used in now.items()}, listening.offloaded,
        )  # fmt: skip
    except exam.ExamError as error:
        raise TrialError(f"{error} Its output is in {log}.") from None
    finally:
        await processes.end(group, _GRACE)
        await hearing


def _reporting(say: Say) -> Callable[[Phase, float | None], None]:
    told: set[Phase] = set()

    def report(phase: Phase, _: float | None) -> None:
        if phase not in told:
            told.add(phase)
            say(doing(phase))

    return report


async def _until_ready(plan: LaunchPlan, process: asyncio.subprocess.Process, log: _Log, began: float) -> None:
    url = plan.base_url.removesuffix("/v1") + plan.ready_path
    while not await asyncio.to_thread(_answers, url):
        if process.returncode is not None:
            raise TrialError(f"{plan.traits.title} ended before it was ready: {log.why()}")
        if time.monotonic() - began > _READY_SECONDS:
            raise TrialError(f"{plan.traits.title} was not ready after {_READY_SECONDS / 60:.0f} min: {log.why()}")
        await asyncio.sleep(_LOOK_SECONDS)


def _answers(url: str) -> bool:
    try:
        get_text(url, "", seconds=10)
    except (OSError, HTTPException, ValueError):
        return False
    return True


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


class _Log:
    """Its output: kept in a file, and understood as the supervisor does."""

    def __init__(self, plan: LaunchPlan, path: Path) -> None:
        self.offloaded = ""
        self._path = path
        self._watcher = engine_of(plan.engine).watcher()
        self._last: deque[str] = deque(maxlen=_LAST_LINES)

    async def hear(self, output: asyncio.StreamReader) -> None:
        """Returns when it has ended."""
        with self._path.open("w", errors="replace") as file:
            rest = ""
            while data := await output.read(65536):
                text = data.decode(errors="replace")
                file.write(text)
                *lines, rest = re.split(r"[\r\n]+", rest + text)
                for line in lines:
                    self._take(line)
                rest = rest[-_LONGEST_LINE:]

    def _take(self, line: str) -> None:
        self._watcher.feed(line)
        self._last.append(line)
        if found := _OFFLOADED.search(line):
            self.offloaded = found[1]

    def why(self) -> str:
        """Why it ended, as far as it says."""
        if self._watcher.failure:
            return sentence(self._watcher.failure.reason)
        return f"see {self._path}, which ends: {' / '.join(filter(None, self._last))}"
