"""Output on any terminal: replaces characters that it can't show, instead of failing."""

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
    """Makes standard output and error use the terminal's encoding and replace characters that it lacks.

    `start.sh` makes Python read and write all files as UTF-8, so the terminal's encoding comes from the locale. The
    bare C locale has none; like Python, we assume UTF-8.
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
