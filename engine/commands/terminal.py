"""Output on any terminal: a character that it cannot show is replaced, and never ends the program."""

from __future__ import annotations

import codecs
import io
import locale
import os
import sys

_INSTEAD = {"●": "*", "…": "...", "·": "-", "→": "->", "│": "|", "–": "-", "—": "-", "’": "'"} | dict(
    zip("▁▂▃▄▅▆▇█", "__..--##", strict=True)
)
_NAME = "instead"


def fit_to_terminal() -> None:
    """Has standard output and error speak the terminal's encoding, and replace what that lacks.

    `start.sh` has Python read and write all files as UTF-8, so the system is asked for the terminal's encoding. The
    bare C locale has none; as Python does, we take it for UTF-8.
    """
    codecs.register_error(_NAME, _replace)
    found = locale.getencoding()
    encoding = "utf-8" if codecs.lookup(found).name == "ascii" else found
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            given = "PYTHONIOENCODING" in os.environ
            stream.reconfigure(encoding=stream.encoding if given else encoding, errors=_NAME)


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_INSTEAD.get(one, "?") for one in error.object[error.start : error.end]), error.end
