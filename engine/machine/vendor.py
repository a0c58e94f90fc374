"""What differs between makers of accelerators: each has one `Vendor` in its own file. `vendors.py` lists them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

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
    """One accelerator. Memory in bytes, `busy` in per cent; None: not reported."""

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
    """Finds the devices here; adds a sentence to the list for what could not be read."""
    meter: Callable[[], Callable[[], list[Device]]]
    """Opens the driver once; returns a function that reads each device's load."""
    family: Callable[[str], str] = str
    """Returns the catalogue's generation of a chip with this name."""
    makers: tuple[str, ...] = ()
    """What users write before the name of a device, in lower case."""
    compute_capability: bool = False
    """Whether its generations are NVIDIA's compute capabilities."""
    network_interface: str = "NCCL_SOCKET_IFNAME"
    """The variable that names the network between several machines."""
    network: tuple[str, ...] = ('export GLOO_SOCKET_IFNAME="$NCCL_SOCKET_IFNAME"',)
    """Shell lines that derive from it what else must be known of that network."""
    vllm_build: str = ""
    """The build of vLLM that this program installs for it; empty: none."""
    vllm_checks_free: bool = False
    """Whether vLLM does not start where less memory is free than its share, and `free` is that figure."""
    llama_names: str = ""
    """A regular expression for what llama.cpp calls its devices, whatever their case; empty: it reaches none."""
    llama_build: Literal["cuda"] | None = None
    """The build of llama.cpp's own release that is made for it; None: we install none but Vulkan's."""
    vllm_title: str = ""
    """The name of a vLLM for it that the user has to install."""
    vllm_plugin: str = ""
    """The package that adds it to vLLM, and lags behind vLLM's versions; empty: vLLM supports it itself."""


def no_meter() -> Callable[[], list[Device]]:
    """The meter of devices whose load can't be read."""
    return list


def text_of(path: Path) -> str:
    """The file's text; empty if it can't be read."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def number_in(path: Path) -> int | None:
    """The number in the file; None if there is none."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def output_of(*argv: str) -> str:
    """The output of one of the driver's tools; empty if it is missing or fails."""
    if shutil.which(argv[0]) is None:
        return ""
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=20, check=True).stdout  # noqa: S603 - fixed names
    except (subprocess.SubprocessError, OSError):
        return ""
