"""Downloads a model's weights before the launch and reports the progress, or a clear reason for a failure."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.install.weights import Missing, WeightsError, checked, size
from engine.install.worker_process import run_chore
from engine.status import Phase

HOSTS = {"huggingface": "huggingface.co", "modelscope": "modelscope.cn"}
POLL = 1.0

Report = Callable[[Phase, float | None], None]


async def fetch_weights(missing: Missing, hub: str, report: Report) -> Path:
    """Downloads into `missing.folder` and returns it; `report` gets the phase and 0-100.

    Raises:
        WeightsError: the hub can't be reached or refuses the model, or the disk is too small for it.
    """
    report(Phase.DOWNLOADING, None)
    said: dict[str, Any] = {}
    begun = asyncio.Event()

    def hear(line: str) -> None:
        with contextlib.suppress(json.JSONDecodeError):
            said.update(json.loads(line))
        if "total" in said:
            begun.set()

    watch = asyncio.create_task(_watch(missing.folder, begun, said, report))
    try:
        quiet = {"HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        folder = str(missing.folder)
        wanted = {"revision": missing.revision, "files": {file.name: file.sha256 for file in missing.files}}
        arguments = (hub, missing.repository, folder, *([json.dumps(wanted)] if missing.files else []))
        status = await run_chore("engine.install.download", *arguments, on_line=hear, env=quiet)
    finally:
        watch.cancel()
    if status:
        raise _error(said, missing, hub)
    return missing.folder if missing.files else checked(missing.folder)


async def _watch(folder: Path, begun: asyncio.Event, said: dict[str, Any], report: Report) -> None:
    await begun.wait()
    while True:
        done = await asyncio.to_thread(size, folder)
        report(Phase.DOWNLOADING, min(99.0, round(100 * done / max(int(said["total"]), 1), 1)))
        await asyncio.sleep(POLL)


def _error(said: dict[str, Any], missing: Missing, hub: str) -> WeightsError:
    repository, folder, host = missing.repository, str(missing.folder), HOSTS[hub]
    files = ", ".join(file.name for file in missing.files) or "config.json, *.safetensors, …"
    match said.get("failed"):
        case "disk":
            needed, free = (said[key] / 1e9 for key in ("needed", "free"))
            return WeightsError("disk", repository=repository, folder=folder, needed=needed, free=free)
        case "gated" | "unknown" as key:
            return WeightsError(key, repository=repository, host=host)
        case "changed":
            return WeightsError("changed", file=str(said.get("file", "")), host=host, folder=folder)
        case "unreachable":
            key = "unreachable" if hub == "modelscope" else "unreachable_hub"
            error = str(said.get("text", ""))
            return WeightsError(key, repository=repository, files=files, folder=folder, host=host, error=error)
        case _:
            return WeightsError("broke_off", repository=repository, files=files, folder=folder)
