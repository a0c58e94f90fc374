"""Detects the hardware for running a model. A fact that can't be read is unknown (None), never guessed."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from engine.machine.vendor import Accelerator, text_of
from engine.machine.vendors import VENDORS


@dataclass(frozen=True)
class Hardware:
    """The machine. Memory in bytes."""

    accelerators: tuple[Accelerator, ...] = ()
    cores: int = 1
    memory: int | None = None
    cpu_flags: frozenset[str] = field(default_factory=frozenset)
    notes: tuple[str, ...] = ()
    """What could not be read, and why, for `plan` and `doctor`."""
    llama_server: str | None = None
    """llama.cpp's server, if it is on the PATH."""
    sglang_python: str | None = None
    """The interpreter of SGLang's environment, if its command is on the PATH."""


def detect() -> Hardware:
    """Inspects this machine: each vendor's devices, then CPU, memory and the programs that serve models."""
    notes: list[str] = []
    found = tuple(device for vendor in VENDORS.values() for device in vendor.detect(notes))
    flags = re.search(r"^flags\s*:\s*(.*)$", text_of(Path("/proc/cpuinfo")), re.MULTILINE)
    return Hardware(
        accelerators=found,
        cores=len(psutil.Process().cpu_affinity()),
        memory=memory_limit(),
        cpu_flags=frozenset(flags[1].split()) if flags else frozenset(),
        notes=tuple(notes),
        llama_server=shutil.which("llama-server"),
        sglang_python=_beside(shutil.which("sglang")),
    )


def _beside(command: str | None) -> str | None:
    """The interpreter in the folder of a command, i.e. in the environment where the command is installed."""
    python = Path(command).with_name("python") if command else None
    return str(python) if python and python.exists() else None


def memory_limit() -> int:
    """The RAM that we may use: the machine's, or the container's limit if that is lower."""
    limit = text_of(Path("/sys/fs/cgroup/memory.max")).strip()
    total = psutil.virtual_memory().total
    return min(total, int(limit)) if limit.isdigit() else total
