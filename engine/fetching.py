"""Brings a model's weights to this machine before the launch, with progress, and says plainly why where it can't."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.config import ROOT
from engine.weights import Missing, WeightsError, checked, size

HOSTS = {"huggingface": "huggingface.co", "modelscope": "modelscope.cn"}
POLL = 1.0


async def fetch_weights(missing: Missing, hub: str, report: Callable[[str, float | None], None]) -> Path:
    """Downloads into `missing.folder` and returns it; `report` gets `downloading` and 0-100.

    Raises:
        WeightsError: the hub is out of reach, does not give the model, or the disk is too small for it.
    """
    argv = (sys.executable, "-m", "engine.download", hub, missing.repository, str(missing.folder))
    report("downloading", None)
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=ROOT, env=os.environ | {"HF_HUB_DISABLE_PROGRESS_BARS": "1"}, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    watch: asyncio.Task[None] | None = None
    said: dict[str, Any] = {}
    try:
        async for line in process.stdout:
            with contextlib.suppress(json.JSONDecodeError):
                said |= json.loads(line)
            if "total" in said and watch is None:
                watch = asyncio.create_task(_watch(missing.folder, int(said["total"]), report))
        await process.wait()
    finally:
        if watch is not None:
            watch.cancel()
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise WeightsError(_sentence(said, missing, hub))
    return checked(missing.folder)


async def _watch(folder: Path, total: int, report: Callable[[str, float | None], None]) -> None:
    while True:
        done = await asyncio.to_thread(size, folder)
        report("downloading", min(99.0, round(100 * done / max(total, 1), 1)))
        await asyncio.sleep(POLL)


def _sentence(said: dict[str, Any], missing: Missing, hub: str) -> str:
    by_hand = (
        f"put the files of {missing.repository} (config.json, the *.safetensors and all the others) into "
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
        case "unreachable":
            other = "" if hub == "modelscope" else ", or set KIMI_HUB=modelscope"
            return f"{HOSTS[hub]} can't be reached from this machine ({said.get('text', '')}); {by_hand}{other}."
        case _:
            return f"The download of {missing.repository} broke off; start again to go on with it, or {by_hand}."
