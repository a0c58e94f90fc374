"""A backup: a folder with the chats, the pictures, the people, the keys and the presets of a workspace.

It can be made while the product runs. The chats are copied first and the pictures afterwards: a picture is stored
before the question that shows it, so every picture of a chat in the backup is included. A backup is complete or does
not exist: files are copied to a hidden folder next to it, which is renamed at the end.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from engine.backup.chat_store import BackupError, ChatStore
from engine.config import Workspace
from engine.status import known_fields, now
from engine.system.atomic_write import replace_file
from engine.system.file_lock import try_lock

MANIFEST = "manifest.json"
FORMAT = "kimi-vl-chat-backup"
VERSION = 1
FOLDERS = ("uploads", "presets", "run")
"""The folders of a workspace that are backed up; logs, weights and measurements are not."""
_OF_THIS_LIFE = {
    "groups.json", "plan.json", "processes.json", "restoring", "scratch", "scratch.json", "status.json",
    "supervisor.json", "swept.json", "timeline.jsonl", "tool-groups.json", "tools.json", "workspace.id",
}  # fmt: skip
"""Files in `run` that belong to the present processes, or to this folder only."""
_PIECE = 1024 * 1024


@dataclass(frozen=True)
class Manifest:
    """The contents of a backup."""

    format: str = ""
    version: int = 0
    made: str = ""
    """ISO 8601, UTC."""
    made_at: float = 0.0
    """The same as Unix time in seconds."""
    database: str = ""
    """The store's kind."""
    chats: int = 0
    files: dict[str, Any] | None = None
    """`{"sha256": …, "bytes": …}` by path in the backup."""


def make_backup(files: Workspace, store: ChatStore, target: Path) -> Manifest:
    """Makes the folder `target`, which must be new or empty.

    Raises:
        BackupError: it is not, it is inside the workspace, the chats can't be copied, or a restore was not finished.
        OSError: a file can't be read or written, e.g. on a full disk. Nothing of the backup remains.
    """
    target = target.absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BackupError(f"{target} exists already: name a new folder for this backup.")
    if target.resolve().is_relative_to(files.root.resolve()):
        raise BackupError(f"{target} is inside the workspace, and would be lost with it: name a folder elsewhere.")
    if files.restoring.exists():
        raise BackupError(f"A restore into {files.root} was interrupted: repeat it with --force first.")
    with _unfinished(target) as folder:
        store.save(folder / store.file_name)
        chats = store.chats()
        listed = {store.file_name: _entry(folder / store.file_name)}
        for path in kept(files.root):
            # A picture or a key may be deleted in between.
            with contextlib.suppress(FileNotFoundError):
                listed[path] = copied(files.root / path, folder / path)
        manifest = Manifest(FORMAT, VERSION, now(), time.time(), store.kind, chats, listed)
        replace_file(folder / MANIFEST, json.dumps(asdict(manifest), indent=1).encode())
        # Everything must be on disk before the rename.
        os.sync()
        folder.rename(target)
    return manifest


def kept(root: Path) -> Iterator[str]:
    """The files of a workspace that belong in a backup, as relative paths with `/`."""
    for name in FOLDERS:
        for folder, folders, names in os.walk(root / name):
            folders[:] = [one for one in folders if not one.startswith(".") and (name != "run")]
            for one in names:
                path = Path(folder, one)
                if not path.is_symlink() and is_kept(relative := path.relative_to(root).as_posix()):
                    yield relative


def is_kept(path: str) -> bool:
    """Whether the file of a workspace belongs in a backup; not if it is unfinished or belongs to the present run."""
    parts = PurePosixPath(path).parts
    if len(parts) < 2 or parts[0] not in FOLDERS or any(part.startswith(".") for part in parts):
        return False
    return parts[0] != "run" or (len(parts) == 2 and parts[1] not in _OF_THIS_LIFE and not path.endswith("lock"))


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the backup in `folder`; every path in it is checked to belong in a backup.

    Raises:
        BackupError: it is not a backup, is damaged, or comes from a newer version.
    """
    try:
        manifest = known_fields(Manifest, json.loads((folder / MANIFEST).read_text()))
    except (FileNotFoundError, NotADirectoryError):
        raise BackupError(f"{folder} is not a backup: it has no {MANIFEST}.") from None
    except (ValueError, TypeError):
        raise BackupError(f"{folder / MANIFEST} is damaged: use another backup.") from None
    if manifest.format != FORMAT or not isinstance(manifest.files, dict):
        raise BackupError(f"{folder} is not a backup of Kimi-VL Chat.")
    if manifest.version > VERSION:
        raise BackupError(f"{folder} was made by a newer version of Kimi-VL Chat: update this installation.")
    strange = [path for path in manifest.files if "/" in path and not is_kept(path)]
    if strange:
        raise BackupError(f"{folder / MANIFEST} is damaged: it names {strange[0]!r}; use another backup.")
    return manifest


def copied(source: Path, target: Path) -> dict[str, Any]:
    """Copies one file, private and with its time; returns its entry for a manifest."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(source, os.O_RDONLY | os.O_NOFOLLOW), "rb") as given:
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as taken:
            while piece := given.read(_PIECE):
                digest.update(piece)
                size += taken.write(piece)
        changed = os.fstat(given.fileno()).st_mtime
    os.utime(target, (changed, changed))
    return {"sha256": digest.hexdigest(), "bytes": size}


def _entry(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "bytes": path.stat().st_size}


@contextlib.contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """A private folder next to `target`, removed at the end unless it was renamed. Removes those of killed backups."""
    target.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{target.name}.unfinished-"
    for left in target.parent.glob(f"{prefix}*"):
        with _locked(left) as free:
            if free:
                shutil.rmtree(left)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    try:
        with _locked(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Locks the folder while it is used; False if another process uses it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield try_lock(descriptor)
    finally:
        os.close(descriptor)
