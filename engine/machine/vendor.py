"""What a maker of accelerators is to this program: one `Vendor` each, in a file of its own; `vendors.py` lists them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

GIB = 1024**3


@dataclass(frozen=True)
class Accelerator:
    """One device. Memory in bytes."""

    vendor: str
    """The name of its `Vendor`."""
    name: str
    memory: int | None = None
    free: int | None = None
    generation: str | None = None
    """NVIDIA: the compute capability, `9.0`; AMD: the target, `gfx942`; Ascend: the chip, `910B1`."""
    driver: str | None = None


@dataclass(frozen=True)
class Device:
    """One accelerator. Memory in bytes, `busy` in per cent; None where it does not tell."""

    name: str
    used: int | None = None
    memory: int | None = None
    busy: float | None = None


@dataclass(frozen=True)
class Vendor:
    """How the devices of one maker are found and watched, and which vLLM runs on them."""

    name: str
    """As in the catalogue."""
    detect: Callable[[list[str]], tuple[Accelerator, ...]]
    """The devices here. What could not be read goes into the list, as a sentence."""
    meter: Callable[[], Callable[[], list[Device]]]
    """Opens the driver once; what it gives reads each device's load."""
    family: Callable[[str], str] = str
    """The catalogue's generation of a chip that is called so."""
    compute_capability: bool = False
    """Whether its generations are NVIDIA's compute capabilities."""
    network_interface: str = "NCCL_SOCKET_IFNAME"
    """The variable that names the network between several machines."""
    network: tuple[str, ...] = ('export GLOO_SOCKET_IFNAME="$NCCL_SOCKET_IFNAME"',)
    """Shell lines that derive from it what else must be known of that network."""
    vllm_build: str = ""
    """Which build of vLLM this program installs for it; empty: it installs none."""
    vllm_title: str = ""
    """What a vLLM for it is called that somebody else has to install."""
    vllm_plugin: str = ""
    """The package that brings it to vLLM and is behind vLLM's own versions; empty: vLLM has it itself."""


def no_meter() -> Callable[[], list[Device]]:
    """The meter of devices whose load can't be read."""
    return list


def text_of(path: Path) -> str:
    """What the file says; empty where it can't be read."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def number_in(path: Path) -> int | None:
    """The number in the file; None where there is none."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def output_of(*argv: str) -> str:
    """What a tool of the driver prints; empty where it is missing or fails."""
    if shutil.which(argv[0]) is None:
        return ""
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=20, check=True).stdout  # noqa: S603 - fixed names
    except (subprocess.SubprocessError, OSError):
        return ""
