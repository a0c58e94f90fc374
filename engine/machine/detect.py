"""Detects the hardware for running a model. A fact that can't be read is unknown (None), never guessed."""

from __future__ import annotations

import ctypes
import platform
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from engine.machine.vendor import Accelerator, text_of
from engine.machine.vendors import VENDORS

_HELP_SECONDS = 20.0
"""A build for GPUs looks for them first."""


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
    """llama.cpp's server, if it is on the PATH."""
    llama_flags: frozenset[str] | None = None
    """The long options that its `--help` names, none where it does not run; None: it was not asked."""
    vulkan: bool = False
    """Whether Vulkan's loader is installed, by which programs reach a GPU of any maker."""
    sglang_python: str | None = None
    """The interpreter of SGLang's environment, if its command is on the PATH."""

    def has_glibc(self, version: tuple[int, ...]) -> bool:
        """Whether the C library is glibc of this version or a later one."""
        return self.glibc >= version


def detect() -> Hardware:
    """Inspects this machine: each vendor's devices, then CPU, memory and the programs that serve models."""
    notes: list[str] = []
    found = tuple(device for vendor in VENDORS.values() for device in vendor.detect(notes))
    affinity = psutil.Process().cpu_affinity()
    flags = re.search(r"^flags\s*:\s*(.*)$", text_of(Path("/proc/cpuinfo")), re.MULTILINE)
    llama = shutil.which("llama-server")
    return Hardware(
        accelerators=found,
        machine=platform.machine(),
        glibc=_glibc(),
        cores=len(affinity),
        physical_cores=physical_cores(affinity),
        memory=memory_limit(),
        cpu_flags=frozenset(flags[1].split()) if flags else frozenset(),
        notes=tuple(notes),
        llama_server=llama,
        llama_flags=_flags_of(llama) if llama else None,
        vulkan=_has_vulkan(),
        sglang_python=_beside(shutil.which("sglang")),
    )


def _flags_of(program: str) -> frozenset[str]:
    try:
        ended = subprocess.run(  # noqa: S603 - the user's own
            [program, "--help"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            check=False, text=True, errors="replace", timeout=_HELP_SECONDS,
        )  # fmt: skip
    except (subprocess.TimeoutExpired, OSError):
        return frozenset()
    return frozenset(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", ended.stdout))


def _glibc() -> tuple[int, ...]:
    name, version = platform.libc_ver()
    return tuple(int(part) for part in version.split(".") if part.isdigit()) if name == "glibc" else ()


def physical_cores(threads: Sequence[int], system: Path = Path("/sys/devices/system/cpu")) -> int:
    """How many cores these threads belong to; all of them where the system does not say."""
    siblings = {text_of(system / f"cpu{thread}/topology/thread_siblings_list") or str(thread) for thread in threads}
    return max(1, len(siblings))


def _has_vulkan() -> bool:
    # Asking ldconfig or a compiler for it, as ctypes.util does, takes longer than to load it.
    try:
        ctypes.CDLL("libvulkan.so.1")
    except OSError:
        return False
    return True


def _beside(command: str | None) -> str | None:
    """The interpreter in the folder of a command, i.e. in the environment where the command is installed."""
    python = Path(command).with_name("python") if command else None
    return str(python) if python and python.exists() else None


def memory_limit() -> int:
    """The RAM that we may use: the machine's, or the container's limit if that is lower."""
    limit = text_of(Path("/sys/fs/cgroup/memory.max")).strip()
    total = psutil.virtual_memory().total
    return min(total, int(limit)) if limit.isdigit() else total
