"""Whether the disk has room for what users bring."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOM_LEFT = 16 * 1024 * 1024
"""Bytes of the disk reserved for the chats, the logs and the state."""


def has_room(folder: Path, size: int = 0) -> bool:
    """Whether `size` more bytes fit onto the disk of `folder`.

    Raises:
        OSError: there is no such folder.
    """
    return shutil.disk_usage(folder).free >= size + ROOM_LEFT
