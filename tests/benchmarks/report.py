"""The table, and its JSON."""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

_PACKAGES = ("chainlit", "openai", "aiohttp", "uvloop", "uvicorn", "pillow", "rapidocr", "onnxruntime")


def machine() -> dict[str, Any]:
    """What the figures depend on, and nothing that identifies the machine."""
    return {
        "cores": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "load_average": round(psutil.getloadavg()[0], 1),
        "packages": {name: version(name) for name in _PACKAGES},
    }


def write(path: Path, found: dict[str, Any]) -> None:
    """Everything as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), **found}, indent=1) + "\n")


def show(found: dict[str, Any], console: Console) -> None:
    """One table: what was measured, the figures beside their baselines, and the goal."""
    table = Table(title="The page beside its baselines", title_justify="left")
    for heading in ("What", "Page", "Naive", "Other baseline", "Ratio", "Goal"):
        table.add_column(heading, justify="left" if heading == "What" else "right")
    if start := found.get("start"):
        _start(table, start)
    if reader := found.get("reader"):
        _reader(table, reader)
    for row in found.get("streams", ()):
        _streams(table, row)
    if memory := found.get("memory"):
        _memory(table, memory)
    if browser := found.get("browser"):
        _browser(table, browser)
    if pictures := found.get("pictures"):
        _pictures(table, pictures)
    if vllm := found.get("vllm"):
        _through(table, "vLLM with nano", vllm, "≥ 0.95")
        _photo(table, vllm["photo"])
    if llama := found.get("llama"):
        _through(table, "llama-server, 3 layers of Kimi-VL's size", llama, "≥ 0.98")
    console.print(table)


def _start(table: Table, row: dict[str, float]) -> None:
    def seconds(name: str) -> str:
        return f"{row[name]:.2f} s"

    for words, name, theirs, goal in (
        ("page answers", "page_s", "naive_s", "≤ 4 s"),
        ("its CPU until then", "page_cpu_s", "naive_cpu_s", ""),
    ):
        ratio = f"{row[name] / row[theirs]:.2f}"
        table.add_row(f"start: {words}", seconds(name), seconds(theirs), "", ratio, goal)
    own = f"engine's own {seconds('engine_s')}"
    table.add_row("start: engine ready, as reported", seconds("noted_s"), "", own, "", "≤ 0.5 s later")
    second = f"second {seconds('second_answer_s')}"
    table.add_row(
        "start: the reader's first answer", seconds("first_answer_s"), "", second, "", "≤ 2 s", end_section=True
    )


def _reader(table: Table, found: dict[str, Any]) -> None:
    today = found["settings"]["as it is"]
    for name, row in found["settings"].items():
        figures = f"{row['ms']:.0f} ms, CPU {row['cpu_s']:.2f} s"
        ratio = f"{row['ms'] / today['ms']:.2f}, CPU {row['cpu_s'] / today['cpu_s']:.2f}"
        table.add_row(f"reader: {name}", figures, "", f"errors {row['character_errors']:.2%}", ratio, "")
    cold, warm = f"{found['first_cold_ms']} ms", f"{found['first_warm_ms']} ms, second {found['second_ms']}"
    table.add_row("reader: first picture, warmed up", warm, "", f"cold {cold}", "", "")
    one, two = found["one_worker_s"], found["two_workers_s"]
    what = f"reader: {found['at_once']} pictures at once, two workers"
    table.add_row(what, f"{two:.2f} s", "", f"one {one:.2f} s", f"{two / one:.2f}", "", end_section=True)


def _streams(table: Table, row: dict[str, Any]) -> None:
    page, naive, streams = row["page"], row["naive"], f"{row['streams']} streams"
    goals = row["streams"] == 16

    def cpu(figures: dict[str, float]) -> str:
        return f"{figures['cpu_us_per_token']:.0f} µs"

    wire = f"wire {row['wire_us_per_token']:.0f} µs"
    table.add_row(
        f"{streams}: CPU a token", cpu(page), cpu(naive), wire, f"{row['cpu_of_naive']:.2f}", "≤ 0.25" if goals else ""
    )
    above = f"{row['cpu_above_wire_of_naive']:.2f}"
    table.add_row(f"{streams}: CPU a token above wire", "", "", "", above, "≤ 0.125" if goals else "")
    names = {"first": "added to first token", "frame": "age of a frame", "end": "end of turn late"}
    wanted = {("first", 1): "≤ 5", ("first", 16): "≤ 10 (40)"}
    for name, words in names.items():
        ours, theirs = (f"{kind[f'{name}_ms']:.0f} ({kind[f'{name}_ms_p95']:.0f}) ms" for kind in (page, naive))
        goal = wanted.get((name, row["streams"]), "")
        table.add_row(f"{streams}: {words}, median (95th)", ours, theirs, "", "", goal)
    speeds = (f"{kind['tokens_per_second']:.0f}" for kind in (page, naive))
    table.add_row(f"{streams}: tokens/s", *speeds, "", "", "", end_section=True)


def _memory(table: Table, row: dict[str, Any]) -> None:
    table.add_row("memory, idle", f"{row['idle_mib']:.0f} MiB", "", "", "", "≤ 250")
    table.add_row(f"memory, {row['live']} live chats", f"{row['live_mib']:.0f} MiB", "", "", "", "")
    what = f"memory after {row['conversations']} conversations"
    warm = f"before {row['warm_mib']:.0f} MiB"
    ratio = f"{row['after_of_warm']:.2f}"
    table.add_row(what, f"{row['after_mib']:.0f} MiB", "", warm, ratio, "≤ 1.10", end_section=True)


def _browser(table: Table, row: dict[str, Any]) -> None:
    page, naive = row["page"], row["naive"]
    lines = (
        ("worst_task_ms", "worst long task", "{:.0f} ms", "< 250 ms"),
        ("long_tasks_share", "long tasks, share of the time", "{:.0%}", "< 10%"),
        ("busy_share", "main thread busy", "{:.0%}", "< 35%"),
        ("behind_s", "behind the engine at the end", "{:.2f} s", "≤ 0.5 s"),
    )
    for name, words, form, goal in lines:
        ours, theirs = form.format(page[name]), form.format(naive[name])
        table.add_row(f"browser: {words}", ours, theirs, "", "", goal, end_section=name == "behind_s")


def _pictures(table: Table, row: dict[str, Any]) -> None:
    ours, pillow = f"{row['first_ms']:.0f} ms", f"Pillow {row['pillow_ms']:.0f} ms"
    table.add_row("a 12-megapixel photo: until it is asked", ours, "", pillow, f"{row['first_of_pillow']:.2f}", "≤ 1.2")
    bare = f"no picture {row['without_ms']:.0f} ms"
    table.add_row("the same photo again", f"{row['again_ms']:.0f} ms", "", bare, "", "")
    oldest, quiet = f"{row['oldest_frame_beside_ms']:.0f} ms", f"no photo {row['oldest_frame_quiet_ms']:.0f} ms"
    what = "longest delay of another stream's frame meanwhile"
    table.add_row(what, oldest, "", quiet, "", "+ 50 ms", end_section=True)


def _through(table: Table, engine: str, row: dict[str, Any], goal: str) -> None:
    page, direct = f"{row['page']:.0f}", f"direct {row['direct']:.0f}"
    table.add_row(f"{engine}, {row['people']} people: tokens/s", page, "", direct, f"{row['page_of_direct']:.2f}", goal)


def _photo(table: Table, row: dict[str, Any]) -> None:
    ours, theirs = row["page"], row["direct"]
    for name, words, form in (("tokens", "tokens of a prompt", "{:.0f}"), ("first_ms", "first token", "{:.0f} ms")):
        asis = f"as it came {form.format(theirs[name])}"
        table.add_row(f"a phone's photo: {words}", form.format(ours[name]), "", asis, "", "")
