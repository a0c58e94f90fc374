"""Paths on the command line of `./start.sh`, which works in the project's folder wherever it is called from."""

from __future__ import annotations

import os
from pathlib import Path

CALLED_FROM = "CALLED_FROM"
"""The variable in which start.sh says from which folder it was called."""


def given_path(text: str) -> Path:
    """The absolute path that a person means by `text`: a relative one is below the folder that they are in."""
    return Path(os.environ.get(CALLED_FROM, ""), text).absolute()
