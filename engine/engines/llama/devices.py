"""Which of this machine's GPUs a llama-server reaches: as it says itself, or, before it is installed, as it should."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.engines.llama.server import Server
from engine.machine.detect import Hardware
from engine.machine.vendor import Accelerator
from engine.machine.vendors import VENDORS
from engine.plans.target import Target, from_hardware

_LISTED = re.compile(r"^\s+\w+: (?P<name>.+) \((?P<total>\d+) MiB, (?P<free>\d+) MiB free\)\s*$", re.MULTILINE)
_SECONDS = 30.0
_MIB = 1024**2


def targets_of(server: Server, hardware: Hardware) -> tuple[Target, ...]:
    """What the model may run on: the largest kind of the GPUs that this server reaches, then the processor."""
    *found, cpu = from_hardware(replace(hardware, accelerators=gpus(server, hardware)))
    return *(replace(target, ram_gb=cpu.memory_gb) for target in found[:1]), cpu


def gpus(server: Server, hardware: Hardware) -> tuple[Accelerator, ...]:
    """The GPUs that it reaches. What its own list names beyond what the drivers know is part of the processor."""
    known = tuple(device for device in hardware.accelerators if VENDORS[device.vendor].llama_names)
    if not known:
        return ()
    listed = _listed(server.program) if server.installed else None
    if listed is not None:
        return _confirmed(known, listed)
    match server.build:
        case "cpu":
            return ()
        case "wheel" | "vulkan":
            return known if hardware.vulkan else ()
        case None:
            return known
    return tuple(device for device in known if VENDORS[device.vendor].llama_build == server.build)


def _listed(program: Path) -> list[Accelerator] | None:
    """What `--list-devices` prints; None: it is not there, or does not say."""
    if not program.is_file():
        return None
    try:
        ended = subprocess.run(  # noqa: S603 - the user's own, or ours
            [program, "--list-devices"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            check=False, text=True, errors="replace", timeout=_SECONDS,
        )  # fmt: skip
    except (subprocess.TimeoutExpired, OSError):
        return None
    return parse_devices(ended.stdout) if "Available devices" in ended.stdout else None


def parse_devices(text: str) -> list[Accelerator]:
    """The devices of known makers in the output of `--list-devices`."""
    return [
        Accelerator(maker, match["name"], int(match["total"]) * _MIB, int(match["free"]) * _MIB)
        for match in _LISTED.finditer(text)
        if (maker := _maker(match["name"]))
    ]


def _maker(name: str) -> str:
    """The vendor of the device that llama.cpp calls so; empty: none that we know."""
    makers = (vendor for vendor in VENDORS.values() if vendor.llama_names)
    return next((one.name for one in makers if re.search(one.llama_names, name, re.IGNORECASE)), "")


def _confirmed(known: Sequence[Accelerator], listed: Sequence[Accelerator]) -> tuple[Accelerator, ...]:
    """Of each maker as many of the largest listed ones as the drivers know of, by the drivers' names."""
    largest = sorted(listed, key=lambda device: -(device.memory or 0))
    found: list[Accelerator] = []
    used: Counter[str] = Counter()
    for device in sorted(known, key=lambda device: -(device.memory or 0)):
        of_maker = [other for other in largest if other.vendor == device.vendor]
        if used[device.vendor] < len(of_maker):
            same = of_maker[used[device.vendor]]
            found.append(replace(device, memory=same.memory, free=same.free))
            used[device.vendor] += 1
    return tuple(found)
