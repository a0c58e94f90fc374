"""Removes pictures that are no longer needed, from the workspace and from Chainlit's folder."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from app.errors import HistoryError
from app.history.transfer.imports import MARK
from engine.config import Workspace
from engine.system.atomic_write import replace_json

_DAY = 24 * 60 * 60
_IMPORT_SECONDS = 60 * 60
"""Longer than a single picture of an import can take."""
_log = logging.getLogger("app.history.retention")


def sweep_uploads(uploads: Path, days: int, now: float) -> int:
    """Deletes files that were last used more than `days` days before `now` (a Unix time), and empty folders.

    Returns:
        How many files were deleted. `days` 0 keeps everything.
    """
    if days == 0:
        return 0
    removed = 0
    for folder in uploads.iterdir():
        if not folder.is_dir() or folder.is_symlink():
            continue
        for file in folder.iterdir():
            if file.lstat().st_mtime < now - days * _DAY:
                file.unlink()
                removed += 1
        if not any(folder.iterdir()) and folder.stat().st_mtime < now - _DAY:
            folder.rmdir()
    return removed


async def sweep_imports(uploads: Path, kept: Callable[[str], Awaitable[bool]], now: float) -> int:
    """Deletes the remains of imports that were interrupted; `kept` reports whether a thread with this id exists.

    A running import touches its mark with every picture. Folders without a mark do not belong to an import and are
    left alone.

    Returns:
        How many folders were deleted.
    """
    marks = await asyncio.to_thread(lambda: sorted(uploads.glob(f"*/{MARK}")))
    removed = 0
    for mark in marks:
        with contextlib.suppress(FileNotFoundError):
            if mark.lstat().st_mtime > now - _IMPORT_SECONDS:
                continue
            if await kept(mark.parent.name):
                mark.unlink()
            else:
                await asyncio.to_thread(shutil.rmtree, mark.parent, ignore_errors=True)
                removed += 1
    return removed


def trusted_now(noted: Path, days: int, now: float) -> float:
    """The time that retention goes by: `now`, but not much later than at the last check, which is stored in `noted`.

    A clock that is suddenly a year ahead would otherwise get every picture deleted. So between two checks at least half
    a day apart, time advances by at most a quarter of the `days` that pictures are kept, or two days if that is more.
    """
    try:
        before = json.loads(noted.read_text())
        looked, trusted = float(before["looked"]), float(before["trusted"])
    except (OSError, ValueError, LookupError, TypeError):
        looked = trusted = now
    passed = max(0.0, now - looked)
    if passed > _DAY / 2:
        passed = max(2, days / 4) * _DAY
    # A clock that is set back for a while must not reset the trusted time.
    trusted = max(trusted, min(now, trusted + passed))
    # A full disk must not prevent the sweep.
    with contextlib.suppress(OSError):
        replace_json(noted, {"looked": now, "trusted": trusted})
    return min(now, trusted)


def sweep_session_files(files: Path) -> None:
    """Deletes what an earlier process left in Chainlit's upload folder; sessions do not outlive their process."""
    for folder in files.iterdir() if files.is_dir() else ():
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)


async def keep_sweeping(files: Workspace, days: int, kept: Callable[[str], Awaitable[bool]]) -> None:
    """Sweeps the uploads now and once a day, until cancelled; `kept` reports whether a thread with this id exists."""
    uploads = files.uploads
    while True:
        try:
            now = time.time()
            trusted = trusted_now(files.swept, days, now)
            if now - trusted > _DAY:
                _log.warning(
                    "the clock jumped ahead by %.0f days; retention follows it step by step", (now - trusted) / _DAY
                )
            if removed := await asyncio.to_thread(sweep_uploads, uploads, days, trusted):
                _log.info("removed %d uploaded pictures older than %d days", removed, days)
            if removed := await sweep_imports(uploads, kept, trusted):
                _log.info("removed the pictures of %d interrupted imports", removed)
        except (OSError, HistoryError) as error:
            _log.warning("could not sweep %s: %s", uploads, error)
        await asyncio.sleep(_DAY)
