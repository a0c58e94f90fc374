"""How others reach a running supervisor: it notes who it is, they send it a signal."""

from __future__ import annotations

import contextlib
import json
import os
import signal

import psutil

from engine.config import Workspace
from engine.processes import start_time
from engine.status import write_json

RETRY = signal.SIGUSR1
STOP = signal.SIGTERM


def note_this_process(files: Workspace) -> None:
    """Notes this process as the supervisor of the workspace."""
    write_json(files.supervisor, {"pid": os.getpid(), "started": start_time(os.getpid())})


def supervisor(files: Workspace) -> psutil.Process | None:
    """The running supervisor of the workspace; None where there is none."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError, KeyError, psutil.NoSuchProcess):
        noted = json.loads(files.supervisor.read_text())
        process = psutil.Process(noted["pid"])
        same = abs(start_time(process.pid) - noted["started"]) < 1
        # One that has ended and that its parent has not asked after yet is gone for us.
        if same and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def retry(files: Workspace) -> bool:
    """Asks the supervisor to start at once what has failed or waits; False where none runs."""
    process = supervisor(files)
    if process is not None:
        process.send_signal(RETRY)
    return process is not None
