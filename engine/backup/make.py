"""A backup: a folder with the chats, the pictures, the people, the keys and the presets of a workspace.

It is made while the product runs. The chats are copied first and the pictures afterwards, so that every picture of a
chat in the backup is there: a picture is stored before the question that shows it. It is complete or not there: what
is copied goes into a hidden folder beside it, which gets its name last.
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

from engine.atomic_write import replace_file
from engine.backup.chat_store import BackupError, ChatStore
from engine.config import Workspace
from engine.file_lock import try_lock
from engine.status import known_fields, now

MANIFEST = "manifest.json"
FORMAT = "kimi-vl-chat-backup"
VERSION = 1
FOLDERS = ("uploads", "presets", "run")
"""Of a workspace, those that are kept; logs, weights and measurements are not."""
_OF_THIS_LIFE = {
    "groups.json", "plan.json", "processes.json", "restoring", "scratch", "scratch.json", "status.json",
    "supervisor.json", "swept.json", "timeline.jsonl", "workspace.id",
}  # fmt: skip
"""In `run`: what concerns the processes of now, or this folder alone."""
_PIECE = 1024 * 1024


@dataclass(frozen=True)
class Manifest:
    """What is in a backup."""

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
    """By path in the backup: `{"sha256": …, "bytes": …}`."""


def make_backup(files: Workspace, store: ChatStore, target: Path) -> Manifest:
    """Makes the folder `target`, which must be new or empty.

    Raises:
        BackupError: it is not, it is inside the workspace, the chats can't be copied, or a restore was not finished.
        OSError: a file can't be read or written, e.g. on a full disk. Nothing of the backup is left.
    """
    target = target.absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BackupError(f"{target} is there already: name a new folder for this backup.")
    if target.resolve().is_relative_to(files.root.resolve()):
        raise BackupError(f"{target} is inside the workspace, and would be lost with it: name a folder elsewhere.")
    if files.restoring.exists():
        raise BackupError(f"A restore into {files.root} was interrupted: repeat it with --force first.")
    with _unfinished(target) as folder:
        store.save(folder / store.file_name)
        chats = store.chats()
        listed = {store.file_name: _entry(folder / store.file_name)}
        for path in kept(files.root):
            # A picture or a key may go meanwhile.
            with contextlib.suppress(FileNotFoundError):
                listed[path] = copied(files.root / path, folder / path)
        manifest = Manifest(FORMAT, VERSION, now(), time.time(), store.kind, chats, listed)
        replace_file(folder / MANIFEST, json.dumps(asdict(manifest), indent=1).encode())
        # On the disk before it has its name.
        os.sync()
        folder.rename(target)
    return manifest


def kept(root: Path) -> Iterator[str]:
    """The files of a workspace that belong into a backup, as paths relative to it with `/`."""
    for name in FOLDERS:
        for folder, folders, names in os.walk(root / name):
            folders[:] = [one for one in folders if not one.startswith(".") and (name != "run")]
            for one in names:
                path = Path(folder, one)
                if not path.is_symlink() and is_kept(relative := path.relative_to(root).as_posix()):
                    yield relative


def is_kept(path: str) -> bool:
    """Whether the file of a workspace belongs into a backup; not what is half written, or of this life alone."""
    parts = PurePosixPath(path).parts
    if len(parts) < 2 or parts[0] not in FOLDERS or any(part.startswith(".") for part in parts):
        return False
    return parts[0] != "run" or (len(parts) == 2 and parts[1] not in _OF_THIS_LIFE and not path.endswith("lock"))


def read_manifest(folder: Path) -> Manifest:
    """What the backup in `folder` says that it holds; every path in it is one that belongs into a backup.

    Raises:
        BackupError: it is no backup, a damaged one, or one of a newer version.
    """
    try:
        manifest = known_fields(Manifest, json.loads((folder / MANIFEST).read_text()))
    except (FileNotFoundError, NotADirectoryError):
        raise BackupError(f"{folder} is no backup: it has no {MANIFEST}.") from None
    except (ValueError, TypeError):
        raise BackupError(f"{folder / MANIFEST} is damaged: take another backup.") from None
    if manifest.format != FORMAT or not isinstance(manifest.files, dict):
        raise BackupError(f"{folder} is no backup of Kimi-VL Chat.")
    if manifest.version > VERSION:
        raise BackupError(f"{folder} was made by a newer version of Kimi-VL Chat: update it.")
    strange = [path for path in manifest.files if "/" in path and not is_kept(path)]
    if strange:
        raise BackupError(f"{folder / MANIFEST} is damaged: it names {strange[0]!r}; take another backup.")
    return manifest


def copied(source: Path, target: Path) -> dict[str, Any]:
    """Copies one file, readable by its owner alone and with its time; its entry in a manifest."""
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
    """A private folder beside `target`; it is gone at the end unless it was renamed. One that was killed is removed."""
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
    """Whether nobody is at work in it; meanwhile nobody else is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield try_lock(descriptor)
    finally:
        os.close(descriptor)
