"""Removes pictures that nobody needs any more, from the workspace and from Chainlit's own folder."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from pathlib import Path

_DAY = 24 * 60 * 60
_log = logging.getLogger("app.retention")


def sweep_uploads(uploads: Path, days: int, now: float) -> int:
    """Deletes files that were last used more than `days` days before `now` (a Unix time), and empty folders.

    Returns:
        How many files went. `days` 0 keeps everything.
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


def sweep_session_files(files: Path) -> None:
    """Deletes what an earlier process left in Chainlit's folder of uploads; sessions do not outlive their process."""
    for folder in files.iterdir() if files.is_dir() else ():
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)


async def keep_sweeping(uploads: Path, days: int) -> None:
    """Sweeps the uploads now and once a day, until cancelled."""
    while True:
        try:
            if removed := await asyncio.to_thread(sweep_uploads, uploads, days, time.time()):
                _log.info("removed %d uploaded pictures older than %d days", removed, days)
        except OSError as error:
            _log.warning("could not sweep %s: %s", uploads, error)
        await asyncio.sleep(_DAY)
