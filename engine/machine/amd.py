"""AMD's GPUs, from amd-smi or sysfs."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

from engine.machine.vendor import GIB, Accelerator, Device, Vendor, number_in, output_of, text_of

_DRM = Path("/sys/class/drm")
_LEAST = 5.5 * GIB
"""A card of 6 GB, the smallest that holds a layer of Kimi-VL, reports a little less than 6,144 MiB."""


def parse_amd_smi(static: str) -> tuple[Accelerator, ...]:
    """The devices in the output of `amd-smi static --asic --vram --driver --json`.

    Source: ROCm's amd-smi CLI documentation.
    """
    raw = json.loads(static)
    gpus = raw["gpu_data"] if isinstance(raw, dict) else raw
    return tuple(
        Accelerator(
            vendor="amd",
            name=_said(gpu, "asic", "market_name") or "AMD GPU",
            memory=_sized(_said(gpu, "vram", "size")),
            generation=_said(gpu, "asic", "target_graphics_version"),
            driver=_said(gpu, "driver", "version"),
        )
        for gpu in gpus
    )


def _said(gpu: dict[str, Any], group: str, name: str) -> Any:
    """One of amd-smi's facts; None if it prints N/A, for the fact or for its whole group."""
    facts = gpu.get(group)
    fact = facts.get(name) if isinstance(facts, dict) else None
    return None if fact == "N/A" else fact


def detect(notes: list[str]) -> tuple[Accelerator, ...]:
    """AMD's devices here; adds what could not be read to `notes`."""
    if output := output_of("amd-smi", "static", "--asic", "--vram", "--driver", "--json"):
        try:
            return parse_amd_smi(output)
        except (json.JSONDecodeError, KeyError, AttributeError) as error:
            notes.append(f"amd-smi's output can't be read ({error!r}).")
    return from_sysfs(_DRM)


def from_sysfs(drm: Path) -> tuple[Accelerator, ...]:
    """AMD's devices with their own memory, from `card*/device/{vendor,mem_info_vram_total,mem_info_vram_used}`.

    An integrated GPU reports a small part of the RAM as VRAM; anything much below 6 GiB is ignored.
    """
    found = []
    for device in sorted(drm.glob("card[0-9]*/device")):
        if text_of(device / "vendor").strip() != "0x1002":
            continue
        total, used = (text_of(device / f"mem_info_vram_{which}").strip() for which in ("total", "used"))
        if total.isdigit() and int(total) >= _LEAST:
            name = text_of(device / "product_name").strip() or "AMD GPU"
            free = int(total) - int(used) if used.isdigit() else None
            found.append(Accelerator(vendor="amd", name=name, memory=int(total), free=free))
    return tuple(found)


def _sized(size: Any) -> int | None:
    """`{"value": 196592, "unit": "MB"}` or `"196592 MB"` → bytes; amd-smi's MB is MiB."""
    if isinstance(size, dict):
        size = f"{size.get('value')} {size.get('unit')}"
    match = re.match(r"(\d+)\s*(B|MB|GB)$", str(size))
    return int(match[1]) * {"B": 1, "MB": 1024**2, "GB": GIB}[match[2]] if match else None


def devices(drm: Path) -> list[Device]:
    """The load from the amdgpu driver's files in sysfs: `mem_info_vram_*` in bytes, `gpu_busy_percent`."""
    found = []
    for device in sorted(drm.glob("card[0-9]*/device")):
        total = number_in(device / "mem_info_vram_total")
        if total:
            name = device / "product_name"
            busy = number_in(device / "gpu_busy_percent")
            found.append(
                Device(
                    (name.read_text().strip() if name.exists() else "") or "AMD GPU",
                    number_in(device / "mem_info_vram_used"),
                    total,
                    None if busy is None else float(busy),
                )
            )
    return found


AMD = Vendor(
    "amd",
    detect,
    lambda: partial(devices, _DRM),
    makers=("amd", "instinct"),
    llama_names="amd|radeon",
    vllm_title="ROCm",
)
