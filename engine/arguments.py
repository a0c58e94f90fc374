"""What several words of `./start.sh` take on their command lines."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

CALLED_FROM = "CALLED_FROM"
"""The variable in which start.sh says from which folder it was called."""


def given_path(text: str) -> Path:
    """The absolute path that a person means by `text`: a relative one is below the folder that they are in.

    start.sh works in the project's folder wherever it is called from.
    """
    return Path(os.environ.get(CALLED_FROM, ""), text).absolute()


def positive(text: str) -> int:
    """A whole number from 1.

    Raises:
        argparse.ArgumentTypeError: it is less.
        ValueError: it is no whole number.
    """
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number
