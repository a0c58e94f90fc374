"""The programs that hold an NVIDIA GPU's memory, for a user who has too little of it."""

from __future__ import annotations

import psutil
import pynvml

_GIB = 1024**3
_MOST = 3


def gpu_holders() -> str:
    """The programs that hold the most, as `python (pid 812) 14.2 GiB, …`; empty if NVML reports none.

    In a container NVML reports the host's process ids: an id that is unknown here has no name.
    """
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ""
    try:
        held = _held()
    except pynvml.NVMLError:
        return ""
    finally:
        pynvml.nvmlShutdown()
    most = sorted(held.items(), key=lambda item: -item[1])[:_MOST]
    return ", ".join(f"{_name(pid)} (pid {pid}) {used / _GIB:.1f} GiB" for pid, used in most)


def _held() -> dict[int, int]:
    """Bytes by process, all devices together."""
    held: dict[int, int] = {}
    for index in range(pynvml.nvmlDeviceGetCount()):
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        for process in pynvml.nvmlDeviceGetComputeRunningProcesses(handle):
            # NVML does not know it with Windows' driver model and in some virtual machines.
            held[process.pid] = held.get(process.pid, 0) + (process.usedGpuMemory or 0)
    return held


def _name(pid: int) -> str:
    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return "a program"
