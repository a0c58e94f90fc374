"""`./start.sh status` on a terminal: shows what the status page shows, or what is known without the web process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from http.client import HTTPException
from statistics import median
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from engine import wording
from engine.config import Settings
from engine.engines.registry import engine_of
from engine.machine.load import Load, LoadMeter
from engine.machine.vendor import Device
from engine.plans.launch import LaunchPlan
from engine.status import ComingStatus, Status, known_fields
from engine.supervise import timeline
from engine.supervise.succession import in_words
from engine.system.local_http import get_json

_COLOURS = {"ready": "green", "starting": "yellow", "stopping": "yellow", "failed": "bold red", "stopped": "dim"}
_BLOCKS = "▁▂▃▄▅▆▇█"
_PIECES = 40
"""The number of pieces into which the last hour is divided."""
_CHANGES = 8
_GIB = 1024**3
_ROOM = 1_000_000
"""Bytes of free disk below which the status may not have been written."""
_LOOK_SECONDS = 0.3
"""How long the CPU load is measured if the web process does not report it."""


def show(settings: Settings, seen: Status, plan: LaunchPlan | None, console: Console) -> None:
    """Prints the status."""
    page = ask_page(settings, seen)
    load = _load(page, settings)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, what in (
        ("engine", _engine(seen, plan)),
        ("coming", _coming(seen.coming)),
        ("page", _page(seen)),
        ("why", Group(*(Text(reason) for reason in plan.why())) if plan and plan.why() else None),
        ("machine", _machine(load)),
        ("disk", _disk(load, settings)),
        *_drawn(page, seen),
        ("history", _history(settings)),
    ):
        if what is not None:
            table.add_row(name, what)
    console.print(table)


def ask_page(settings: Settings, seen: Status) -> dict[str, Any]:
    """What only the web process knows; empty if it does not answer."""
    if seen.page.state != "ready" or not settings.files.watch_key.exists():
        return {}
    key = settings.files.watch_key.read_text().strip()
    try:
        found: dict[str, Any] = get_json(f"{settings.page_url}/api/overview", key, seconds=5, through_proxy=False)
        # Another version may report other things, or in another form.
        _drawn(found, seen)
    except (OSError, HTTPException, ValueError, LookupError, TypeError, AttributeError):
        return {}
    return found


def _drawn(page: dict[str, Any], seen: Status) -> list[tuple[str, RenderableType | None]]:
    """What only the web process knows, as rows."""
    unit = f"{engine_of(seen.engine.kind).traits.unit}s/s"
    rows: list[tuple[str, RenderableType | None]] = [
        ("now", _now(page)),
        ("first token", _plot(page, 1, "s")),
        ("speed", _plot(page, 2, unit)),
    ]
    if said := page.get("load"):
        _machine(_parsed(said))
    return rows


def _engine(seen: Status, plan: LaunchPlan | None) -> RenderableType:
    engine = seen.engine
    percent = f" {engine.percent:.0f} %" if engine.percent is not None else ""
    what = engine.model if engine.model == engine.kind else f"{engine.model} on {engine.kind}"
    place = f", {plan.accelerator}" if plan and plan.accelerator else ""
    line = _line(engine.state, f"{what}{place}", engine.since, engine.pid, engine.restarts)
    said = wording.report(engine.phase, engine.reason)
    return Group(line, Text(said + percent)) if said else line


def _coming(coming: ComingStatus) -> RenderableType | None:
    """A better engine on its way, and how far its download is."""
    if coming.state in {"", "ready"}:
        return None
    said = Text(in_words(coming))
    if coming.state != "fetching" or not coming.total:
        return said
    figures = f"{coming.done / 1e9:.1f} of {coming.total / 1e9:.1f} GB"
    if coming.speed:
        minutes = max(1, round((coming.total - coming.done) / coming.speed / 60))
        figures += f", {coming.speed / 1e6:.1f} MB/s, about {minutes} min left"
    bar = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    bar.add_row(_bar(coming.done / coming.total), figures)
    return Group(said, bar)


def _page(seen: Status) -> RenderableType:
    page = seen.page
    others = page.url_for_others if page.url_for_others != page.url else ""
    where = f"{page.url}, for others {others}" if others else page.url
    line = _line(page.state, where, page.since, page.pid, page.restarts)
    return Group(line, Text(wording.sentence(page.reason))) if page.reason else line


def _line(state: str, what: str, since: str, pid: int | None, restarts: int) -> Text:
    facts = [f"since {_moment(since)}"]
    facts += [f"pid {pid}"] if pid else []
    facts += [f"restarts {restarts}"] if restarts else []
    return Text.assemble((f"● {state}", _COLOURS.get(state, "")), f"  {what}  ", (" · ".join(facts), "dim"))


def _moment(iso: str) -> str:
    at = datetime.fromisoformat(iso)
    age = datetime.now(UTC) - at
    return at.astimezone().strftime("%H:%M:%S" if age.days < 1 else "%Y-%m-%d %H:%M")


def _load(page: dict[str, Any], settings: Settings) -> Load:
    if said := page.get("load"):
        return _parsed(said)
    meter = LoadMeter(settings.workspace)
    time.sleep(_LOOK_SECONDS)
    return meter.read()


def _parsed(said: dict[str, Any]) -> Load:
    return known_fields(Load, said | {"devices": tuple(known_fields(Device, one) for one in said["devices"])})


def _machine(load: Load) -> RenderableType:
    rows = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for device in load.devices:
        if device.memory and device.used is not None:
            figure = f"{device.used / _GIB:.1f} of {device.memory / _GIB:.1f} GiB"
            rows.add_row(f"{device.name}, memory", _bar(device.used / device.memory), figure)
        if device.busy is not None:
            rows.add_row(f"{device.name}, load", _bar(device.busy / 100), f"{device.busy:.0f} %")
    rows.add_row(f"processor, {load.cores} cores", _bar(load.cpu / 100), f"{load.cpu:.0f} %")
    rows.add_row("memory", _bar(load.used / load.memory), f"{load.used / _GIB:.1f} of {load.memory / _GIB:.1f} GiB")
    rows.add_row("free disk", "", f"{load.disk_free / _GIB:.0f} GiB")
    return rows


def _disk(load: Load, settings: Settings) -> Text | None:
    if load.disk_free >= _ROOM:
        return None
    folder = settings.workspace
    return Text(f"The disk is full: make room in {folder}. Until then this may be out of date.", style="bold red")


def _bar(share: float) -> ProgressBar:
    return ProgressBar(total=1.0, completed=min(share, 1.0), width=20)


def _now(page: dict[str, Any]) -> Text | None:
    if not page:
        return None
    chats = page["chats"]
    waiting = chats["waiting"] + (chats["queued"] or 0)
    return Text(f"{chats['open']} open chats, {chats['answering']} answers in progress, {waiting} waiting")


def _plot(page: dict[str, Any], which: int, unit: str) -> Text | None:
    points = [(turn[0], turn[which]) for turn in page.get("turns", ()) if turn[which] is not None]
    if not points:
        return None
    middle = median(value for _, value in points)
    figure = f"{middle:,.0f}" if middle >= 10 else f"{middle:.2f}"
    return Text.assemble(f"{figure} {unit}  ", (sparkline(points, page["now"]), "cyan"), ("  median, last hour", "dim"))


def sparkline(points: Sequence[tuple[float, float]], now: float) -> str:
    """The last hour in characters: the median of each piece. `points` are (Unix time, value)."""
    pieces: list[list[float]] = [[] for _ in range(_PIECES)]
    for at, value in points:
        # If the clock was set back, some points are in the future.
        age = max(0.0, now - at)
        pieces[max(0, _PIECES - 1 - int(age / 3600 * _PIECES))].append(value)
    highest = max(value for _, value in points) or 1.0
    return "".join(
        _BLOCKS[min(int(median(piece) / highest * len(_BLOCKS)), len(_BLOCKS) - 1)] if piece else " "
        for piece in pieces
    )


def _history(settings: Settings) -> RenderableType | None:
    changes = timeline.read(settings.files.timeline, _CHANGES)
    rows = [_change(change) for change in reversed(changes)]
    return Group(*rows) if rows else None


def _change(change: timeline.Change) -> Text:
    state = (change.state, _COLOURS.get(change.state, ""))
    said = wording.report(change.phase, change.reason)
    return Text.assemble((_moment(change.at), "dim"), f"  {change.part:6}  ", state, f"  {said}")
