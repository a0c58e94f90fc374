"""Writes a file by rename: whoever reads it sees what was there or what is there now, never a half."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any


def replace_file(path: Path, data: bytes) -> None:
    """Writes `data` to `path`, readable by its owner alone; nothing stays of it where that fails.

    Raises:
        OSError: it cannot be written, e.g. on a full disk.
    """
    # Made with mode 0600. The name begins with a dot, so that nobody takes it for a file of the folder.
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
    """The same with `value` as JSON."""
    replace_file(path, json.dumps(value, ensure_ascii=False, indent=indent).encode())
