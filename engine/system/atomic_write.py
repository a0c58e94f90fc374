"""Writes a file by rename: anyone who reads it sees the old content or the new one, never a part."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any


def replace_file(path: Path, data: bytes) -> None:
    """Writes `data` to `path`, readable only by its owner; leaves nothing behind if that fails.

    Raises:
        OSError: it can't be written, e.g. on a full disk.
    """
    # The mode is 0600. The name begins with a dot, so that no one takes it for a file of the folder.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


def replace_json(path: Path, value: Any, indent: int | None = None) -> None:
    """Writes `value` as JSON in the same way."""
    replace_file(path, json.dumps(value, ensure_ascii=False, indent=indent).encode())
