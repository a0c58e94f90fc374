"""In which order a user's own llama-server reads the picture encoder's rows: tried with nano, once for each build.

All builds that we know need them reordered (`rotary.py`). One in which llama.cpp itself has put that right must get the
file as it was published: reordered a second time, it would be scrambled again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import subprocess
import tempfile
import threading
import time
from http.client import HTTPException
from pathlib import Path

from engine import processes
from engine.catalog import find_model
from engine.config import ROOT
from engine.engines.llama.plan import KEY_ENV, llama_plan, made_folder
from engine.engines.llama.rotary import reorder
from engine.install.file_download import digest
from engine.machine.vendors import CPU
from engine.nano import NAME
from engine.plans.flags import merge
from engine.plans.request import Place, Request
from engine.plans.target import Target
from engine.system.atomic_write import replace_json
from engine.system.environment import without_secrets
from engine.system.local_http import get_text

_ORDERS = ("published", "reordered")
_EACH = 3
"""Pictures of each shape: of 24 a sound encoder names 22 or more, a scrambled one about half."""
_READY_SECONDS = 60.0
_EXAM_SECONDS = 120.0
"""For one order, the load included; it takes a few seconds."""
_LOOK_SECONDS = 0.1


def wants_reordered(program: Path, models: Path) -> bool:
    """Whether it sees more with the rows reordered; what was found is kept beside the files made for llama.cpp.

    One that can't be tried gets what all known builds need.
    """
    kept = made_folder(models) / "order.json"
    known = _read(kept)
    try:
        build = _build(program)
        if build not in known:
            known[build] = _scores(program)
            replace_json(kept, known, indent=1)
        return known[build]["reordered"] >= known[build]["published"]
    except (OSError, subprocess.SubprocessError, _UntriedError):
        return True


class _UntriedError(Exception):
    """Nano did not answer on it."""


def _read(kept: Path) -> dict[str, dict[str, int]]:
    with contextlib.suppress(OSError, ValueError, TypeError, LookupError, AttributeError):
        found = json.loads(kept.read_text())
        return {build: {order: int(score[order]) for order in _ORDERS} for build, score in found.items()}
    return {}


def _build(program: Path) -> str:
    """What changes with an update: the program, and the version of the libraries that it may leave its work to."""
    said = subprocess.run([program, "--version"], capture_output=True, check=False, timeout=_READY_SECONDS)  # noqa: S603 - the user's own
    version = b"".join(line for line in (said.stdout + said.stderr).splitlines() if b"version" in line)
    return f"{digest(program.resolve())} {hashlib.sha256(version).hexdigest()}"


def _scores(program: Path) -> dict[str, int]:
    from engine.nano.gguf.convert import MMPROJ, MODEL, convert  # noqa: PLC0415 - numpy

    with tempfile.TemporaryDirectory(prefix="kimi-order-") as folder:
        made = Path(folder)
        convert(made)
        reorder(made / MMPROJ, made / "reordered.gguf")
        return {
            order: _score(program, made / MODEL, made / encoder)
            for order, encoder in zip(_ORDERS, (MMPROJ, "reordered.gguf"), strict=True)
        }


def _score(program: Path, model: Path, encoder: Path) -> int:
    from engine.nano.exam import Candidate, ExamError, shapes  # noqa: PLC0415 - Pillow

    place = Place(processes.free_port(), ROOT, model.parent, program, here=True, cores=os.cpu_count())
    plan = llama_plan(Request(find_model(NAME), Target(CPU, "CPU"), place))
    key = secrets.token_urlsafe()
    argv = merge(plan.argv, ["--model", str(model), "--mmproj", str(encoder)])
    with subprocess.Popen(  # noqa: S603 - the user's own
        argv, env=without_secrets() | plan.env | {KEY_ENV: key},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as server:  # fmt: skip
        # A build that hangs must not keep the start waiting.
        alarm = threading.Timer(_EXAM_SECONDS, server.kill)
        alarm.start()
        try:
            _until_ready(server, plan.base_url.removesuffix("/v1") + plan.ready_path)
            return shapes(Candidate(plan.base_url, key, plan.picture_patches), _EACH).right
        except ExamError as error:
            raise _UntriedError from error
        finally:
            alarm.cancel()
            server.kill()


def _until_ready(server: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        with contextlib.suppress(OSError, HTTPException, ValueError):
            get_text(url, "", seconds=5)
            return
        if server.poll() is not None or time.monotonic() > deadline:
            raise _UntriedError
        time.sleep(_LOOK_SECONDS)
