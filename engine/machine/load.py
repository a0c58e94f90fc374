"""How busy the machine is at this moment: processors, memory, disk, and each accelerator that can tell."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from engine.machine.detect import memory_limit

_CGROUP = Path("/sys/fs/cgroup/memory.current")


@dataclass(frozen=True)
class Device:
    """One accelerator. Memory in bytes, `busy` in per cent; None where it does not tell."""

    name: str
    used: int | None = None
    memory: int | None = None
    busy: float | None = None


@dataclass(frozen=True)
class Load:
    """The machine. Memory and disk in bytes, `cpu` in per cent of all cores."""

    cpu: float
    cores: int
    used: int
    memory: int
    disk_free: int
    devices: tuple[Device, ...] = ()


class LoadMeter:
    """Reads the load; the first reading's `cpu` is since the meter was made. `folder` is on the disk in question."""

    def __init__(self, folder: Path, drm: Path = Path("/sys/class/drm")) -> None:
        self._folder = folder
        self._drm = drm
        self._nvml = _nvml()
        self._times = psutil.cpu_times()

    def read(self) -> Load:
        """The load now; takes some milliseconds."""
        limit, machine = memory_limit(), psutil.virtual_memory()
        used = machine.total - machine.available
        if limit < machine.total and (current := _number(_CGROUP)) is not None:
            used = current
        return Load(
            cpu=self._cpu(),
            cores=psutil.cpu_count() or 1,
            used=used,
            memory=limit,
            disk_free=shutil.disk_usage(self._folder).free,
            devices=(*nvidia_devices(self._nvml), *amd_devices(self._drm)),
        )

    def _cpu(self) -> float:
        # psutil's own function compares with the same thread's last reading, and the page reads in many threads.
        before, self._times = self._times, psutil.cpu_times()
        # Of Linux' fields the first eight add up to all the time there was; guests' time is within users'.
        passed = sum(self._times[:8]) - sum(before[:8])
        idle = self._times.idle + self._times.iowait - before.idle - before.iowait
        return min(max(100 * (1 - idle / passed), 0.0), 100.0) if passed > 0 else 0.0


def _nvml() -> Any:
    import pynvml  # noqa: PLC0415 - loads the driver's library

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml


def nvidia_devices(nvml: Any) -> list[Device]:
    """What NVML tells; `nvml` is the initialised module, or None."""
    if nvml is None:
        return []
    found = []
    for index in range(nvml.nvmlDeviceGetCount()):
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            memory = nvml.nvmlDeviceGetMemoryInfo(handle)
            found.append(Device(nvml.nvmlDeviceGetName(handle), memory.used, memory.total, _busy(nvml, handle)))
        except nvml.NVMLError:
            found.append(Device(f"GPU {index}"))
    return found


def _busy(nvml: Any, handle: Any) -> float | None:
    try:
        return float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
    except nvml.NVMLError:
        return None  # a slice of a GPU (MIG) has no figure of its own


def amd_devices(drm: Path) -> list[Device]:
    """What the amdgpu driver writes into sysfs: `mem_info_vram_*` in bytes, `gpu_busy_percent`."""
    found = []
    for device in sorted(drm.glob("card[0-9]*/device")):
        total = _number(device / "mem_info_vram_total")
        if total:
            name = device / "product_name"
            busy = _number(device / "gpu_busy_percent")
            found.append(
                Device(
                    (name.read_text().strip() if name.exists() else "") or "AMD GPU",
                    _number(device / "mem_info_vram_used"),
                    total,
                    None if busy is None else float(busy),
                )
            )
    return found


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
