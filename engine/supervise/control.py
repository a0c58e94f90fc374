"""How other processes reach a running supervisor: they find who holds the workspace's lock and send it a signal.

The held lock decides. The record that the supervisor writes only helps where the system does not report the holder,
and counts only if it names this very workspace: a copy contains the same record.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from engine.config import Workspace
from engine.identity import Identity
from engine.processes import same_start, start_time
from engine.supervise import workspace_lock
from engine.system.atomic_write import replace_json

RETRY = signal.SIGUSR1
STOP = signal.SIGTERM
VERSION = 2
"""Of the record. A program that reads it takes the fields that it knows and ignores the rest."""


@dataclass(frozen=True)
class Found:
    """A running supervisor."""

    process: psutil.Process | None
    """None: it runs as another user, in another container or on another machine, where we can't reach it."""
    moved_from: Path | None = None
    """Where the workspace was at the start, if its folder has been moved since."""

    def send(self, number: signal.Signals) -> bool:
        """Sends it a signal; False if we can't reach it."""
        try:
            if self.process is not None:
                self.process.send_signal(number)
        except psutil.NoSuchProcess:
            return True
        except psutil.AccessDenied:
            return False
        return self.process is not None


def note_this_process(files: Workspace, identity: Identity) -> None:
    """Records this process as the supervisor of the workspace.

    Versions before 2 read `pid` and `started` too.
    """
    noted = {"version": VERSION, "pid": os.getpid(), "started": start_time(os.getpid())}
    replace_json(files.supervisor, noted | {"path": str(files.root.resolve()), "workspace": asdict(identity)})


def supervisor(files: Workspace) -> Found | None:
    """The running supervisor of the workspace; None if there is none.

    Raises:
        PermissionError: this user may not read the workspace.
    """
    if not workspace_lock.is_held(files.lock):
        return None
    noted = _noted(files)
    # When it has just ended and the next one has begun, the lock is held but the record still names the old process.
    pid = workspace_lock.holder(files.lock) or _recorded(files, noted)
    if pid is None and not workspace_lock.is_held(files.lock):
        return None
    with contextlib.suppress(psutil.NoSuchProcess):
        return Found(None if pid is None else psutil.Process(pid), _moved_from(files, noted))
    return supervisor(files)


def retry(files: Workspace) -> bool:
    """Asks the supervisor to start at once whatever has failed or is waiting; False if it can't be reached."""
    found = supervisor(files)
    return found is not None and found.send(RETRY)


def _noted(files: Workspace) -> dict[str, Any]:
    try:
        noted = json.loads(files.supervisor.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _recorded(files: Workspace, noted: dict[str, Any]) -> int | None:
    """The process in the record, if it runs and the record names this workspace here and now."""
    identity = Identity.read(noted.get("workspace"))
    if identity is None or identity != Identity.of(files):
        return None
    with contextlib.suppress(ProcessLookupError, KeyError, TypeError):
        return int(noted["pid"]) if same_start(start_time(noted["pid"]), noted["started"]) else None
    return None


def _moved_from(files: Workspace, noted: dict[str, Any]) -> Path | None:
    identity = Identity.read(noted.get("workspace"))
    if identity is None or identity != Identity.of(files):
        # We know nothing about another container's paths.
        return None
    path = Path(str(noted.get("path", "")))
    with contextlib.suppress(OSError):
        if path.samefile(files.root):
            return None
    return path
