"""The identity of a workspace: a process in a record belongs to this workspace only if the record names its identity.

A copied folder has the same records and the same id as its original, but its own lock. A moved folder keeps both, so
the path does not count. Process ids are only valid since the last boot of this machine and in this container.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import psutil

from engine.config import Workspace, secret

_ID_BYTES = 16


@dataclass(frozen=True)
class Identity:
    """A workspace on this machine, as it is now. Two of them are equal only if their process ids are comparable."""

    id: str
    """Random, made at the first start."""
    lock: str
    """Device and inode of the lock file."""
    boot: str
    namespace: str
    """The namespace of process ids: a container has its own."""

    @classmethod
    def of(cls, files: Workspace) -> Identity:
        """The identity of a workspace whose lock file exists.

        Raises:
            OSError: the workspace can't be read, or it has no id yet and can't be written.
        """
        lock = files.lock.stat()
        return cls(secret(files.id, _ID_BYTES), f"{lock.st_dev}:{lock.st_ino}", _boot_id(), _namespace())

    @classmethod
    def read(cls, raw: object) -> Identity | None:
        """The identity in a record; None if it has none, like the records of older versions."""
        if not isinstance(raw, dict):
            return None
        found: dict[str, Any] = {field.name: raw.get(field.name) for field in fields(cls)}
        return cls(**found) if all(isinstance(value, str) for value in found.values()) else None


def _boot_id() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else str(int(psutil.boot_time()))


def _namespace() -> str:
    path = Path("/proc/self/ns/pid")
    return str(path.readlink()) if path.is_symlink() else ""
