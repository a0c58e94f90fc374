"""Argument types that several commands of `./start.sh` use."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

CALLED_FROM = "CALLED_FROM"
"""The variable in which start.sh passes the folder from which it was called."""


def given_path(text: str) -> Path:
    """The absolute path of `text`, relative to the folder from which the user called start.sh.

    start.sh itself changes to the project's folder.
    """
    return Path(os.environ.get(CALLED_FROM, ""), text).absolute()


def positive(text: str) -> int:
    """An integer of at least 1.

    Raises:
        argparse.ArgumentTypeError: it is less.
        ValueError: it is not an integer.
    """
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number
