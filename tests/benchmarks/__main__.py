"""The cost of the page, compared with baselines in the same run: `./start.sh bench ui`. Prints a table, writes JSON.

Figures depend on the machine and its load; ratios can be compared. docs/performance.md explains each figure.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from engine.config import load_settings
from tests.benchmarks import report
from tests.benchmarks.apps import Apps, running_apps
from tests.benchmarks.browser import browser
from tests.benchmarks.memory import memory
from tests.benchmarks.pictures import pictures
from tests.benchmarks.start import start
from tests.benchmarks.streams import growth
from tests.benchmarks.through import through_llama, through_vllm

RATE = 100
"""Tokens a second of each stream."""
_FILE_WIDTH = 120
"""Columns of the table where it does not go to a terminal."""


def _streams(apps: Apps, chosen: argparse.Namespace) -> Any:
    counts, tokens, runs = ([1, 4, 16, 64], 800, chosen.runs) if not chosen.quick else ([4], 200, 1)
    return asyncio.run(growth(apps, counts, tokens, RATE, runs))


def _memory(apps: Apps, chosen: argparse.Namespace) -> Any:
    conversations, live = (16, 8) if chosen.quick else (chosen.conversations, 64)
    return asyncio.run(memory(apps.page, conversations, live))


def _browser(apps: Apps, chosen: argparse.Namespace) -> Any:
    return browser(apps, 0.05 if chosen.quick else 1.0)


def _pictures(apps: Apps, chosen: argparse.Namespace) -> Any:
    return asyncio.run(pictures(apps, 1 if chosen.quick else chosen.runs))


def _vllm(folder: Path, chosen: argparse.Namespace) -> Any:
    return asyncio.run(through_vllm(folder, 1 if chosen.quick else chosen.runs, quick=chosen.quick))


def _llama(folder: Path, chosen: argparse.Namespace) -> Any:
    return asyncio.run(through_llama(folder, 1 if chosen.quick else chosen.runs))


PARTS: dict[str, Callable[[Apps, argparse.Namespace], Any]] = {
    "streams": _streams,
    "memory": _memory,
    "browser": _browser,
    "pictures": _pictures,
}


def _reader(_: Path, chosen: argparse.Namespace) -> Any:
    # It loads models, which the other parts need not wait for.
    from tests.benchmarks.reader import reader

    return reader(1, 1) if chosen.quick else reader(3, chosen.runs)


def _start(folder: Path, chosen: argparse.Namespace) -> Any:
    return start(folder, 1 if chosen.quick else chosen.runs)


ALONE: dict[str, Callable[[Path, argparse.Namespace], Any]] = {
    "start": _start,
    "reader": _reader,
    "vllm": _vllm,
    "llama": _llama,
}
"""What is measured while nothing else of the benchmark runs."""


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(prog="./start.sh bench ui", description=(__doc__ or "").partition("\n")[0])
    made.add_argument("parts", nargs="*", metavar="PART", help=f"what to measure: {', '.join([*ALONE, *PARTS])} (all)")
    made.add_argument("--quick", action="store_true", help="less of everything: some minutes, and rougher")
    made.add_argument("--runs", type=int, default=3, help="runs of each point, of which the median counts (3)")
    made.add_argument("--conversations", type=int, default=500, help="opened and closed, for the memory (500)")
    made.add_argument("--json", type=Path, help="where the JSON goes (workspace/bench-ui/TIME.json)")
    return made


def main() -> int:
    """Measures and reports."""
    chosen = parser().parse_args()
    if unknown := set(chosen.parts) - PARTS.keys() - ALONE.keys():
        parser().error(f"there is no part {', '.join(sorted(unknown))}")
    found: dict[str, Any] = {"machine": report.machine(), "quick": chosen.quick}
    path = chosen.json or load_settings().workspace / "bench-ui" / f"{time.strftime('%Y%m%d-%H%M%S')}.json"

    def measure(name: str, part: Callable[[], Any]) -> None:
        print(f"Measuring: {name} …", file=sys.stderr, flush=True)
        found[name] = part()
        # The results so far are kept, even if the rest fails.
        report.write(path, found)

    with tempfile.TemporaryDirectory(prefix="kimi-bench-") as folder:
        for name in [name for name in ALONE if name in (chosen.parts or ALONE)]:
            measure(name, partial(ALONE[name], Path(folder) / name, chosen))
        if beside := [name for name in PARTS if name in (chosen.parts or PARTS)]:
            with running_apps(Path(folder)) as apps:
                for name in beside:
                    measure(name, partial(PARTS[name], apps, chosen))
    console = Console()
    report.show(found, console if console.is_terminal else Console(width=_FILE_WIDTH))
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
