"""Makes pictures of a file in a separate process, which can be killed.

A page or a video of a kilobyte can keep a library busy for hours, or fill the memory, and nothing can interrupt it from
inside. The process (app/files/limited_work.py) gets its arguments and the file on standard input, and writes the
pictures to standard output: one line of JSON, then their bytes. It parses untrusted input, so it gets nothing else.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence

from app.files.limited_work import Made
from app.files.pictures import NormalPicture, PictureError
from engine.config import ROOT

_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH")


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
