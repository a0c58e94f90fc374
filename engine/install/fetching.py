"""Brings a model's weights to this machine before the launch, with progress, and says plainly why where it can't."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.install.weights import Missing, WeightsError, checked, size
from engine.install.worker_process import run_chore

HOSTS = {"huggingface": "huggingface.co", "modelscope": "modelscope.cn"}
POLL = 1.0

Report = Callable[[str, float | None], None]


async def fetch_weights(missing: Missing, hub: str, report: Report) -> Path:
    """Downloads into `missing.folder` and returns it; `report` gets `downloading` and 0-100.

    Raises:
        WeightsError: the hub is out of reach, does not give the model, or the disk is too small for it.
    """
    report("downloading", None)
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
        raise WeightsError(_sentence(said, missing, hub))
    return missing.folder if missing.files else checked(missing.folder)


async def _watch(folder: Path, begun: asyncio.Event, said: dict[str, Any], report: Report) -> None:
    await begun.wait()
    while True:
        done = await asyncio.to_thread(size, folder)
        report("downloading", min(99.0, round(100 * done / max(int(said["total"]), 1), 1)))
        await asyncio.sleep(POLL)


def _sentence(said: dict[str, Any], missing: Missing, hub: str) -> str:
    which = " and ".join(file.name for file in missing.files) or "config.json, the *.safetensors and all the others"
    by_hand = (
        f"put the files of {missing.repository} ({which}) into "
        f"{missing.folder}, or name the folder that has them with KIMI_MODEL"
    )
    match said.get("failed"):
        case "disk":
            needed, free = (said[key] / 1e9 for key in ("needed", "free"))
            return (
                f"The weights of {missing.repository} need {needed:.1f} GB of disk and {free:.1f} GB are free at "
                f"{missing.folder}; free some, or set KIMI_MODELS to a larger disk."
            )
        case "gated":
            return f"{HOSTS[hub]} gives {missing.repository} only to who has accepted its licence: set HF_TOKEN."
        case "unknown":
            return f"{HOSTS[hub]} knows no model {missing.repository}; check KIMI_MODEL."
        case "changed":
            return (
                f"{said.get('file', '')} came from {HOSTS[hub]} with other content than is known here and was deleted: "
                f"start again, or {by_hand}."
            )
        case "unreachable":
            other = "" if hub == "modelscope" else ", or set KIMI_HUB=modelscope"
            return f"{HOSTS[hub]} can't be reached from this machine ({said.get('text', '')}); {by_hand}{other}."
        case _:
            return f"The download of {missing.repository} broke off; start again to go on with it, or {by_hand}."
