"""CPU per token, delay of the first token, lateness and scaling: page, naive app and wire, alternating."""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import aiohttp

from engine.config import ROOT
from tests.benchmarks.apps import App, Apps
from tests.benchmarks.client import Heard, SocketClient
from tests.benchmarks.load import Load, pieces


@dataclass
class Sample:
    """One app at one number of streams; several runs are merged."""

    cpu_us: list[float] = field(default_factory=list)
    """CPU of the process, microseconds a token, one figure a run."""
    first_ms: list[float] = field(default_factory=list)
    """Engine's first token to the client's first frame, one figure a stream."""
    frame_ms: list[float] = field(default_factory=list)
    """How old the oldest token of a frame is when it comes, one figure a frame."""
    end_ms: list[float] = field(default_factory=list)
    """Engine's last token to the end of the turn, one figure a stream."""
    frames: int = 0
    tokens: int = 0
    wall: float = 0.0
    incomplete: int = 0
    """Answers that were incomplete at the end."""

    def figures(self) -> dict[str, float]:
        """Its figures for the report."""
        times = {"first": self.first_ms, "frame": self.frame_ms, "end": self.end_ms}
        found = {f"{name}_ms": _median(values) for name, values in times.items()}
        found |= {f"{name}_ms_p95": percentile(values, 0.95) for name, values in times.items()}
        return {
            "cpu_us_per_token": _median(self.cpu_us),
            **found,
            "frames_per_token": round(self.frames / self.tokens, 3) if self.tokens else 0.0,
            "tokens_per_second": round(self.tokens / self.wall, 1) if self.wall else 0.0,
            "incomplete": self.incomplete,
        }


async def growth(apps: Apps, counts: Sequence[int], tokens: int, rate: int, runs: int) -> list[dict[str, Any]]:
    """A row for each number of streams, with the figures of all three and their ratios."""
    rows = []
    for count in counts:
        samples = {app.name: Sample() for app in apps.both}
        wire: list[float] = []
        for _ in range(runs):
            for app in apps.both:
                await _run(apps.engine, app, count, Load(tokens, rate), samples[app.name])
            wire.append(await _wire(apps.engine, count, tokens, rate))
        rows.append(_row(count, tokens, samples, _median(wire)))
    return rows


def _row(count: int, tokens: int, samples: dict[str, Sample], wire: float) -> dict[str, Any]:
    page, naive = (samples[name].figures() for name in ("page", "naive"))
    ours, theirs = page["cpu_us_per_token"], naive["cpu_us_per_token"]
    return {
        "streams": count,
        "tokens_each": tokens,
        "page": page,
        "naive": naive,
        "wire_us_per_token": wire,
        "cpu_of_naive": round(ours / theirs, 3),
        "cpu_above_wire_of_naive": round((ours - wire) / (theirs - wire), 3),
    }


async def _run(engine: App, app: App, count: int, like: Load, sample: Sample) -> None:
    clients = await asyncio.gather(*(SocketClient.open(app.url) for _ in range(count)))
    try:
        # Only the first turn of a chat loads, connects and writes certain things.
        await asyncio.gather(*(client.ask(Load(10, 100)) for client in clients))
        loads = [Load(like.tokens, like.rate, like.kind) for _ in clients]
        before, began = app.cpu(), asyncio.get_running_loop().time()
        heard = await asyncio.gather(*(client.ask(load) for client, load in zip(clients, loads, strict=True)))
        sample.cpu_us.append(round((app.cpu() - before) / (count * like.tokens) * 1e6, 1))
        sample.wall += asyncio.get_running_loop().time() - began
        sample.tokens += count * like.tokens
        for load, one in zip(loads, heard, strict=True):
            _add(sample, load, one, await marks(engine, load))
    finally:
        await asyncio.gather(*(client.close(new_chat=True) for client in clients))


def _add(sample: Sample, load: Load, heard: Heard, mark: dict[str, float]) -> None:
    if not heard.complete(load):
        sample.incomplete += 1
    if not heard.frames:
        return
    sample.first_ms.append((heard.first - mark["first"]) * 1000)
    sample.end_ms.append((heard.ended - mark["last"]) * 1000)
    sample.frame_ms += ages(load, heard, mark["first"])
    sample.frames += len(heard.frames)


def ages(load: Load, heard: Heard, first: float) -> list[float]:
    """For each frame, how many milliseconds ago the engine was to send the oldest token in it."""
    reasoning, answer = pieces(load.tokens, load.kind)
    ends = list(accumulate(len(token) for token in (*reasoning, *answer)))
    found = []
    token = 0
    for when, characters in heard.frames:
        if token >= len(ends):
            break
        found.append((when - first - token / load.rate) * 1000)
        while token < len(ends) and ends[token] <= characters:
            token += 1
    return found


async def marks(engine: App, load: Load) -> dict[str, float]:
    """When the instrument did what for this load."""
    async with aiohttp.ClientSession() as session, session.get(f"{engine.url}/marks/{load.ident}") as reply:
        found: dict[str, float] = await reply.json()
        return found


async def _wire(engine: App, count: int, tokens: int, rate: int) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.wire", engine.url, *map(str, (count, tokens, rate))]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError("the wire baseline could not be read")
    return round(float(out) / (count * tokens) * 1e6, 1)


def _median(values: Sequence[float]) -> float:
    return round(statistics.median(values), 1) if values else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie; 0 for none."""
    ordered = sorted(values)
    return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)], 1) if ordered else 0.0
