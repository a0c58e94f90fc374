"""How busy the machine is now: CPU, memory, disk, and each accelerator that reports its load."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import psutil

from engine.machine.detect import memory_limit
from engine.machine.vendor import Device, number_in
from engine.machine.vendors import VENDORS

_CGROUP = Path("/sys/fs/cgroup/memory.current")


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
    """Reads the load. The first reading's `cpu` is since the meter was made. `folder` is on the measured disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._meters = [vendor.meter() for vendor in VENDORS.values()]
        self._times = psutil.cpu_times()

    def read(self) -> Load:
        """The load now; takes a few milliseconds."""
        limit, machine = memory_limit(), psutil.virtual_memory()
        used = machine.total - machine.available
        if limit < machine.total and (current := number_in(_CGROUP)) is not None:
            used = current
        return Load(
            cpu=self._cpu(),
            cores=psutil.cpu_count() or 1,
            used=used,
            memory=limit,
            disk_free=shutil.disk_usage(self._folder).free,
            devices=tuple(device for meter in self._meters for device in meter()),
        )

    def _cpu(self) -> float:
        # psutil's own function compares with the last reading of the same thread; the web process reads in many.
        before, self._times = self._times, psutil.cpu_times()
        # On Linux the first eight fields add up to the total time; users' time includes guests'.
        passed = sum(self._times[:8]) - sum(before[:8])
        idle = self._times.idle + self._times.iowait - before.idle - before.iowait
        return min(max(100 * (1 - idle / passed), 0.0), 100.0) if passed > 0 else 0.0
