"""Which llama-server runs on this machine, and why that one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.engines.llama.environment import ENVIRONMENT, is_ready, llama_server
from engine.engines.llama.releases import (
    RELEASE_BUILD,
    RELEASES,
    WHEEL_BUILD,
    Build,
    release_lacks,
    wheel_lacks,
)
from engine.machine.detect import Hardware
from engine.machine.vendors import VENDORS
from engine.plans.launch import PlanError

NEEDED_FLAGS = (
    "--model", "--mmproj", "--alias", "--host", "--port", "--ctx-size", "--parallel", "--kv-unified", "--cache-ram",
    "--slot-prompt-similarity", "--flash-attn", "--image-min-tokens", "--image-max-tokens", "--threads", "--gpu-layers",
    "--reasoning-format", "--metrics", "--offline", "--no-ui", "--no-slots",
)  # fmt: skip
"""All that plans write: llama-server exits on a flag that it does not know."""

_SETTING = "KIMI_LLAMA_BUILD"


@dataclass(frozen=True)
class Server:
    """A llama-server."""

    program: Path
    build: Build | None
    """What is installed before the launch; None: nothing, it is there."""
    why: str
    installed: bool = True
    """Whether it is there already."""


def choose_server(hardware: Hardware, root: Path, wanted: Build | Literal["auto"] = "auto") -> Server:
    """The build that is wanted; by itself the user's own on the PATH, if it knows our flags, else the first that runs.

    CUDA's release is large, so that the wheel goes before it where its Vulkan module can reach the GPU.

    Raises:
        PlanError: none of them runs here.
    """
    path, passed = hardware.llama_server, _passed(hardware)
    if wanted != "auto":
        return _installable(wanted, hardware, root, f"{_SETTING}={wanted}: ", way_out=f"unset {_SETTING}")
    if path is not None and not passed:
        return Server(Path(path), None, f"{path} is on the PATH, and is used instead of installing llama.cpp.")
    build = VENDORS[hardware.accelerators[0].vendor].llama_build if hardware.accelerators else None
    if build and (is_ready(root, build) or not hardware.vulkan) and not release_lacks(build, hardware):
        no_loader = "Vulkan's loader is not installed, by which the wheel from PyPI would reach the GPU"
        return _installable(build, hardware, root, passed, "it is installed" if hardware.vulkan else no_loader)
    reason = wheel_lacks(hardware)
    if not reason:
        return _installable("wheel", hardware, root, passed)
    if hardware.vulkan and hardware.accelerators and not release_lacks("vulkan", hardware):
        return _installable("vulkan", hardware, root, passed, reason)
    return _installable("cpu", hardware, root, passed, reason)


def _installable(
    build: Build, hardware: Hardware, root: Path, before: str, reason: str = "", *, way_out: str = ""
) -> Server:
    """The build, with the sentence that names it. `way_out` is for where it can't run; empty: a server on the PATH.

    Raises:
        PlanError: it does not run on this machine.
    """
    if lacks := wheel_lacks(hardware) if build == "wheel" else release_lacks(build, hardware):
        why = "; ".join(dict.fromkeys(filter(None, (reason, lacks))))
        own = "your own llama-server on the PATH" + (", a newer one" if hardware.llama_server else "")
        raise PlanError(f"{before}llama.cpp can't be installed here: {why}; {way_out or f'put {own}'}.")
    what = f"llama.cpp {WHEEL_BUILD} from PyPI"
    if build != "wheel":
        size = RELEASES[build][hardware.machine].megabytes
        what = f"llama.cpp's own release {RELEASE_BUILD} ({build}, {size} MB)"
    why = f"{before}{what}, in {ENVIRONMENT}{reason and f': {reason}'}."
    return Server(llama_server(root), build, why, is_ready(root, build))


def _passed(hardware: Hardware) -> str:
    """Why the llama-server on the PATH is passed over, as a sentence before the reason; empty: it is not."""
    known = hardware.llama_flags
    if hardware.llama_server is None or known is None:
        return ""
    if not known:
        return f"{hardware.llama_server} is on the PATH, but its --help can't be read. "
    lacking = ", ".join(flag for flag in NEEDED_FLAGS if flag not in known)
    return f"{hardware.llama_server} is on the PATH, but does not know {lacking}. " if lacking else ""
