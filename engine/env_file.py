"""`.env`, read alike by all that take settings from it."""

from __future__ import annotations

import logging
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

ENCODING = "utf-8-sig"
"""UTF-8, with or without the mark at its beginning that editors of Windows write: it is no part of the first name."""

# It names a line without saying what is wrong with it; engine/commands/settings_notes.py does.
logging.getLogger("dotenv.main").setLevel(logging.ERROR)


def env_values(path: Path) -> dict[str, str | None]:
    """The values by name; none where there is no file.

    Raises:
        UnicodeDecodeError: the file is not UTF-8.
    """
    return dotenv_values(path, encoding=ENCODING)


def env_lines(path: Path) -> list[Binding]:
    """What the file says, in its order, with what can't be read as a setting; nothing where there is no file.

    Raises:
        UnicodeDecodeError: the file is not UTF-8.
    """
    if not path.is_file():
        return []
    with path.open(encoding=ENCODING) as file:
        return list(parse_stream(file))
