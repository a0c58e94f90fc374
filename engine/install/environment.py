"""What making an engine's environment needs, whichever engine it is: its commands, and what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from engine.processes import dies_with_us

Report = Callable[[str], None]


class EnvironmentFailedError(Exception):
    """The environment could not be made; the text is one sentence with the way out."""


def uv(word: str) -> list[str]:
    """The beginning of a command of uv's."""
    return [sys.executable, "-m", "uv", word]


def run(command: Sequence[str], root: Path, report: Report, what: str, env: Mapping[str, str]) -> None:
    """Runs one command of an installation in `root`, reporting its lines; `what` names it in the error.

    Raises:
        EnvironmentFailedError: it fails; the sentence has its last lines.
    """
    env = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "PYTHONPATH": str(root), **env}
    last: deque[str] = deque(maxlen=5)
    with subprocess.Popen(  # noqa: S603 - our own commands
        command,
        cwd=root,
        env=env,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # One that outlived us would write into what the next start installs again.
        preexec_fn=dies_with_us(),  # noqa: PLW1509 - this program has one thread
    ) as process:
        for line in process.stdout or ():
            if line := line.strip():
                last.append(line)
                report(line)
    if process.returncode:
        reason = " ".join(last) or f"exit code {process.returncode}"
        raise EnvironmentFailedError(f"Installing {what} failed: {reason}. Fix that and start again.")
