"""Restores a backup into a workspace in which nothing runs.

Everything is copied and checked first. Then the present data is moved aside and the copy takes its place, by renaming
if the disk is the same. A file marks the workspace during this time: after an interruption nothing starts in it until
the restore is repeated.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import time

from engine.access.ended_logins import EndedLogins
from engine.backup.chat_store import BackupError, ChatStore
from engine.backup.make import FOLDERS, Manifest, copied, kept, read_manifest
from engine.config import Workspace
from engine.supervise import workspace_lock
from engine.system.atomic_write import replace_file

_ASIDE = "before-restore-"
"""The prefix of the folders with the previous data."""


def restore(source: Path, files: Workspace, store: ChatStore, *, force: bool) -> tuple[Manifest, Path | None]:
    """Restores the backup in `source`; with `force` also into a workspace that has chats.

    Returns:
        The backup's manifest, and the folder with the previous data; None if there was none.

    Raises:
        BackupError: the backup is incomplete, the product runs, or there are chats and `force` is not given. Nothing
            was changed.
        OSError: a file can't be read or written, e.g. on a full disk.
    """
    source = source.absolute()
    manifest = read_manifest(source)
    if manifest.database != store.kind:
        raise BackupError(
            f"{source} contains chats from {manifest.database}, but this workspace keeps its chats in {store.kind}: "
            "change KIMI_DATABASE_URL."
        )
    files.create()
    try:
        with workspace_lock.holding(files.lock):
            if not force:
                _check_empty(files, store)
            store.check_free()
            with _staging(files.root) as staging:
                _copy_checked(source, manifest, staging, store.file_name)
                return manifest, _swap(source, files, store, staging)
    except workspace_lock.HeldError:
        raise BackupError(f"Kimi-VL Chat runs in {files.root}; stop it first: ./start.sh stop") from None


def _check_empty(files: Workspace, store: ChatStore) -> None:
    number = store.chats()
    if number or any(path.startswith("uploads/") for path in kept(files.root)):
        held = f"{number} chats" if number else "pictures"
        raise BackupError(
            f"{files.root} has {held}: use --force to move them aside and put the backup in their place, or set "
            "KIMI_WORKSPACE to a new folder."
        )


def _copy_checked(source: Path, manifest: Manifest, staging: Path, database: str) -> None:
    # A picture keeps the age that it had when the backup was made; otherwise an old backup's pictures would be deleted
    # at once.
    later = max(0.0, time() - manifest.made_at)
    listed = manifest.files or {}
    if database not in listed:
        raise BackupError(f"{source} is damaged: it contains no chats; use another backup.")
    for path, wanted in listed.items():
        try:
            found = copied(source / path, staging / path)
        except FileNotFoundError:
            raise BackupError(f"{source} is damaged: {path} is missing; use another backup.") from None
        if found != wanted:
            raise BackupError(f"{source} is damaged: {path} has changed since it was written; use another backup.")
        changed = (staging / path).stat().st_mtime + later
        os.utime(staging / path, (changed, changed))


def _swap(source: Path, files: Workspace, store: ChatStore, staging: Path) -> Path | None:
    replace_file(files.restoring, f"{source}\n".encode())
    aside = _new_folder(files.root / f"{_ASIDE}{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    try:
        store.put_aside(aside)
        store.load(staging / store.file_name)
    except BackupError:
        # The database's tools change all or nothing.
        files.restoring.unlink()
        shutil.rmtree(aside)
        raise
    for path in list(kept(files.root)):
        _move(files.root / path, aside / path)
    for name in FOLDERS:
        for new in list((staging / name).rglob("*")):
            if new.is_file():
                _move(new, files.root / new.relative_to(staging))
    _keep_ended(files)
    os.sync()
    files.restoring.unlink()
    if any(aside.iterdir()):
        return aside
    aside.rmdir()
    return None


def _keep_ended(files: Workspace) -> None:
    """Keeps logins ended that ended after the backup was made, also if an earlier attempt was interrupted."""
    for before in sorted(files.root.glob(f"{_ASIDE}*/{files.logins.relative_to(files.root)}")):
        # A damaged file is left as it is: it lets no one in.
        with suppress(ValueError):
            EndedLogins(files.logins).add_all(EndedLogins(before))


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A rename is not enough: the pictures may be on another disk.
    shutil.move(source, target)


def _new_folder(wanted: Path) -> Path:
    number, folder = 1, wanted
    while folder.exists():
        number += 1
        folder = wanted.with_name(f"{wanted.name}-{number}")
    folder.mkdir(mode=0o700)
    return folder


@contextmanager
def _staging(root: Path) -> Iterator[Path]:
    """A private folder in the workspace. Removes those that a killed restore left."""
    prefix = ".restoring-"
    for left in root.glob(f"{prefix}*"):
        shutil.rmtree(left)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
