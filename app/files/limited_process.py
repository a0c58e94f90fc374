"""Makes pictures of a file in a separate process, which can be killed.

A page or a video of a kilobyte can keep a library busy for hours, or fill the memory, and nothing can interrupt it from
inside. The process gets its arguments and the file on standard input, and writes the pictures to standard output: one
line of JSON, then their bytes. It parses untrusted input, so it gets nothing else.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.files.pictures import MAX_PIXELS, NormalPicture, PictureError
from engine.config import ROOT

_MOST_MEMORY = 2 * 1024**3
_NICENESS = 5
"""Other users' streams have priority."""
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Made:
    """What the process made: the pictures, and facts about the file, which JSON can hold."""

    pictures: list[NormalPicture]
    facts: dict[str, Any]


async def make(
    module: str, arguments: Sequence[object], data: bytes, refusals: Mapping[signal.Signals, PictureError], broken: str
) -> Made:
    """What `python -m module` makes of the file's bytes.

    Raises:
        PictureError: the process refused the file; or that of `refusals` for the signal that ended it; or `broken`.
        OSError: it can't be started.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *map(str, arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
    )  # fmt: skip
    try:
        said, _ = await process.communicate(data)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        by = next((refusal for number, refusal in refusals.items() if number == -process.returncode), None)
        raise by or PictureError(broken)
    return _read(said)


def _read(said: bytes) -> Made:
    head, _, rest = said.partition(b"\n")
    found = json.loads(head)
    if "error" in found:
        raise PictureError(found["error"], **found["values"])
    pictures, at = [], 0
    for size, extension, width, height, original in found["pictures"]:
        pictures.append(NormalPicture(rest[at : at + size], extension, width, height, tuple(original)))
        at += size
    return Made(pictures, found["facts"])


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
