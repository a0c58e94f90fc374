"""Runs a benchmark program and follows its progress."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from engine.config import ROOT
from engine.measure.running_engine import Running
from engine.measure.speed import tools
from engine.measure.speed.scenarios import Load, Scenario
from engine.measure.speed.tools import Measured, ToolFailedError

_LAST_LINES = 5
_DONE = re.compile(r"(\d+)/(\d+) \[")
"""tqdm's progress."""
Hear = Callable[[int], None]


def measure(
    running: Running, scenario: Scenario, load: Load, *, seed: int, base: Mapping[str, str], log: Path, hear: Hear
) -> Measured:
    """Measures one scenario at one load; `hear` gets the number of finished requests. The output goes to `log`.

    Raises:
        NoToolError: the engine has no benchmark.
        ToolFailedError: the program failed.
    """
    with tempfile.TemporaryDirectory(prefix="kimi-bench-") as folder:
        output = Path(folder) / "result.json"
        argv = tools.command(running, scenario, load, output, seed)
        with log.open("a") as file:
            file.write(f"$ {' '.join(argv)}\n")
            _run(argv, tools.environment(running, base), load.prompts, file, hear)
        if not output.exists():
            raise ToolFailedError(f"The benchmark reported nothing; its output is in {log}.")
        return tools.parse(output.read_text(), scenario, load, argv)


def _run(argv: list[str], env: dict[str, str], prompts: int, log: IO[str], hear: Hear) -> None:
    last: deque[str] = deque(maxlen=_LAST_LINES)
    # Universal newlines: tqdm separates its states by carriage returns.
    with subprocess.Popen(  # noqa: S603 - our own command line
        argv, cwd=ROOT, env=env, text=True, encoding="utf-8", errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            for line in process.stdout or ():
                log.write(line)
                if text := line.strip():
                    last.append(text)
                if (said := _DONE.search(line)) and int(said[2]) == prompts:
                    hear(int(said[1]))
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise ToolFailedError(f"The benchmark ended with status {process.returncode}: {' / '.join(last)}")
