"""Reads `.env`, in the same way for every program that takes settings from it."""

from __future__ import annotations

import logging
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

ENCODING = "utf-8-sig"
"""UTF-8, with or without the byte order mark that Windows editors write, which is not part of the first name."""

# Its warnings name a line but not the problem; engine/commands/settings_notes.py reports both.
logging.getLogger("dotenv.main").setLevel(logging.ERROR)


def env_values(path: Path) -> dict[str, str | None]:
    """The values by name; empty if there is no file.

    Raises:
        UnicodeDecodeError: the file is not UTF-8.
    """
    return dotenv_values(path, encoding=ENCODING)


def env_lines(path: Path) -> list[Binding]:
    """The entries of the file in their order, including those that are not settings; empty if there is no file.

    Raises:
        UnicodeDecodeError: the file is not UTF-8.
    """
    if not path.is_file():
        return []
    with path.open(encoding=ENCODING) as file:
        return list(parse_stream(file))
