"""What this machine has to run a model on. A fact that can't be read is unknown (None), never guessed."""

from __future__ import annotations

import itertools
import json
import platform
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import psutil

Vendor = Literal["nvidia", "amd", "ascend"]
GIB = 1024**3


@dataclass(frozen=True)
class Accelerator:
    """One device. Memory in bytes."""

    vendor: Vendor
    name: str
    memory: int | None = None
    free: int | None = None
    generation: str | None = None
    """NVIDIA: the compute capability, `9.0`; AMD: the target, `gfx942`; Ascend: the chip, `910B1`."""
    driver: str | None = None


@dataclass(frozen=True)
class Hardware:
    """The machine. Memory in bytes."""

    accelerators: tuple[Accelerator, ...] = ()
    machine: str = ""
    """Its kind of processor, as `uname -m` says it: `x86_64`."""
    glibc: tuple[int, ...] = ()
    """The version of the C library; empty: it is another one."""
    cores: int = 1
    """What the scheduler counts: threads of cores that may be used."""
    physical_cores: int = 1
    """Cores that may be used, each counted once however many threads it has."""
    memory: int | None = None
    cpu_flags: frozenset[str] = field(default_factory=frozenset)
    notes: tuple[str, ...] = ()
    """What could not be read, and why, for `plan` and `doctor`."""
    llama_server: str | None = None
    """llama.cpp's server, where it is on the PATH."""
    sglang_python: str | None = None
    """The interpreter of the environment that has SGLang, where its command is on the PATH."""

    def has_glibc(self, version: tuple[int, ...]) -> bool:
        """Whether the C library is glibc of this version or a later one."""
        return self.glibc >= version


def detect() -> Hardware:
    """Looks at this machine: NVIDIA by NVML, AMD by amd-smi or sysfs, Ascend by npu-smi."""
    notes: list[str] = []
    found = (*_nvidia(notes), *_amd(notes), *_ascend(notes))
    affinity = psutil.Process().cpu_affinity()
    flags = re.search(r"^flags\s*:\s*(.*)$", _text(Path("/proc/cpuinfo")), re.MULTILINE)
    return Hardware(
        accelerators=found,
        machine=platform.machine(),
        glibc=_glibc(),
        cores=len(affinity),
        physical_cores=physical_cores(affinity),
        memory=memory_limit(),
        cpu_flags=frozenset(flags[1].split()) if flags else frozenset(),
        notes=tuple(notes),
        llama_server=shutil.which("llama-server"),
        sglang_python=_beside(shutil.which("sglang")),
    )


def _glibc() -> tuple[int, ...]:
    name, version = platform.libc_ver()
    return tuple(int(part) for part in version.split(".") if part.isdigit()) if name == "glibc" else ()


def physical_cores(threads: Sequence[int], system: Path = Path("/sys/devices/system/cpu")) -> int:
    """How many cores these threads belong to; all of them where the system does not say."""
    siblings = {_text(system / f"cpu{thread}/topology/thread_siblings_list") or str(thread) for thread in threads}
    return max(1, len(siblings))


def _beside(command: str | None) -> str | None:
    """The interpreter in the folder of a command that an environment has installed."""
    python = Path(command).with_name("python") if command else None
    return str(python) if python and python.exists() else None


def parse_amd_smi(static: str) -> tuple[Accelerator, ...]:
    """`amd-smi static --asic --vram --driver --json` → devices. Source: ROCm's amd-smi CLI documentation."""
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
    """One of amd-smi's facts; it says N/A, for one or for a whole group, where it has none."""
    facts = gpu.get(group)
    fact = facts.get(name) if isinstance(facts, dict) else None
    return None if fact == "N/A" else fact


def parse_npu_smi(info: str) -> tuple[Accelerator, ...]:
    """`npu-smi info` → devices. The table has two lines a chip: the first names it, the second has its HBM in MB.

    Atlas A2 names its chips (`910B3`), Atlas A3 says `Ascend910` and has two lines of two chips for each NPU.
    """
    found = []
    version = re.search(r"Version:\s*(\S+)", info)
    rows = [line for line in info.splitlines() if line.startswith("|")]
    for first, second in itertools.pairwise(rows):
        name = re.match(r"\|\s*\d+\s+(?:Ascend)?(9\d\d\S*|310\S*)\s*\|", first)
        memory = re.search(r"(\d+)\s*/\s*(\d+)\s*\|\s*$", second)
        if name:
            used, total = (int(memory[1]), int(memory[2])) if memory and int(memory[2]) else (None, None)
            found.append(
                Accelerator(
                    vendor="ascend",
                    name=f"Ascend {name[1]}",
                    memory=None if total is None else total * 1024**2,
                    free=None if total is None or used is None else (total - used) * 1024**2,
                    generation="Ascend910" if name[1] == "910" else name[1],
                    driver=version[1] if version else None,
                )
            )
    return tuple(found)


def _nvidia(notes: list[str]) -> tuple[Accelerator, ...]:
    import pynvml  # noqa: PLC0415 - loads the driver's library

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        if Path("/proc/driver/nvidia").exists():
            notes.append(f"An NVIDIA driver is loaded but NVML does not answer ({error}); restart or reinstall it.")
        return ()
    try:
        return tuple(_nvidia_device(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount()))
    finally:
        pynvml.nvmlShutdown()


def _nvidia_device(nvml: Any, index: int) -> Accelerator:
    def ask(call: Any, *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except nvml.NVMLError:
            return None

    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    memory = ask(nvml.nvmlDeviceGetMemoryInfo, handle)
    capability = ask(nvml.nvmlDeviceGetCudaComputeCapability, handle)
    return Accelerator(
        vendor="nvidia",
        name=ask(nvml.nvmlDeviceGetName, handle) or "NVIDIA GPU",
        memory=memory.total if memory else None,
        free=memory.free if memory else None,
        generation=f"{capability[0]}.{capability[1]}" if capability else None,
        driver=ask(nvml.nvmlSystemGetDriverVersion),
    )


def _amd(notes: list[str]) -> tuple[Accelerator, ...]:
    if output := _output("amd-smi", "static", "--asic", "--vram", "--driver", "--json"):
        try:
            return parse_amd_smi(output)
        except (json.JSONDecodeError, KeyError, AttributeError) as error:
            notes.append(f"amd-smi's answer can't be read ({error!r}).")
    return amd_from_sysfs(Path("/sys/class/drm"))


def amd_from_sysfs(drm: Path) -> tuple[Accelerator, ...]:
    """AMD's devices with memory of their own, from `card*/device/{vendor,mem_info_vram_total,mem_info_vram_used}`.

    An integrated GPU shows a small carve-out of the RAM as VRAM and is left out below 8 GiB.
    """
    found = []
    for device in sorted(drm.glob("card[0-9]*/device")):
        if _text(device / "vendor").strip() != "0x1002":
            continue
        total, used = (_text(device / f"mem_info_vram_{which}").strip() for which in ("total", "used"))
        if total.isdigit() and int(total) >= 8 * GIB:
            name = _text(device / "product_name").strip() or "AMD GPU"
            free = int(total) - int(used) if used.isdigit() else None
            found.append(Accelerator(vendor="amd", name=name, memory=int(total), free=free))
    return tuple(found)


def _ascend(notes: list[str]) -> tuple[Accelerator, ...]:
    output = _output("npu-smi", "info")
    found = parse_npu_smi(output) if output else ()
    if output and not found:
        notes.append("npu-smi's answer names no chip that is known here.")
    return found


def _output(*argv: str) -> str:
    if shutil.which(argv[0]) is None:
        return ""
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=20, check=True).stdout  # noqa: S603 - fixed names
    except (subprocess.SubprocessError, OSError):
        return ""


def _sized(size: Any) -> int | None:
    """`{"value": 196592, "unit": "MB"}` or `"196592 MB"` → bytes; amd-smi's MB is MiB."""
    if isinstance(size, dict):
        size = f"{size.get('value')} {size.get('unit')}"
    match = re.match(r"(\d+)\s*(B|MB|GB)$", str(size))
    return int(match[1]) * {"B": 1, "MB": 1024**2, "GB": GIB}[match[2]] if match else None


def memory_limit() -> int:
    """The RAM that we may use: the machine's, or the container's where that is less."""
    limit = _text(Path("/sys/fs/cgroup/memory.max")).strip()
    total = psutil.virtual_memory().total
    return min(total, int(limit)) if limit.isdigit() else total


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
