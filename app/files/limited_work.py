"""The inside of a process that makes pictures of a file (app/files/limited_process.py): its limits and its output.

Each file that needs it starts one, and somebody waits: nothing here or in what it runs imports asyncio or pydantic.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.files.pictures import MAX_PIXELS, NormalPicture, PictureError

_MOST_MEMORY = 2 * 1024**3
_NICENESS = 5
"""Other users' streams have priority."""


@dataclass(frozen=True)
class Made:
    """What the process made: the pictures, and facts about the file, which JSON can hold."""

    pictures: list[NormalPicture]
    facts: dict[str, Any]


def limit(seconds: float) -> None:
    """Limits this process to so much processor time, and to 2 GB."""
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    whole = round(seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 1))


def alarm(seconds: float) -> None:
    """Ends this process with `SIGPROF` after so much more processor time."""
    # Without a handler, the signal ends the process, wherever the library is.
    signal.setitimer(signal.ITIMER_PROF, seconds)


def serve(work: Callable[[bytes], Made]) -> None:
    """Makes the pictures of the file on standard input, and writes them to standard output."""
    try:
        made = work(sys.stdin.buffer.read())
    except MemoryError:
        sys.stdout.write(json.dumps({"error": "picture_too_large", "values": {"megapixels": MAX_PIXELS // 1_000_000}}))
        return
    except PictureError as error:
        sys.stdout.write(json.dumps({"error": error.key, "values": error.values}) + "\n")
        return
    pictures = [(len(one.data), one.extension, one.width, one.height, one.original_size) for one in made.pictures]
    sys.stdout.buffer.write(json.dumps({"facts": made.facts, "pictures": pictures}).encode() + b"\n")
    for picture in made.pictures:
        sys.stdout.buffer.write(picture.data)
