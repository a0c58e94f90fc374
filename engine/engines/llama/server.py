"""Which llama-server runs on this machine, and why that one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.engines.llama.environment import (
    ENVIRONMENT,
    RELEASE_BUILD,
    RELEASE_GLIBC,
    RELEASES,
    WHEEL_BUILD,
    Build,
    llama_server,
)
from engine.machine.detect import Hardware
from engine.plans.launch import PlanError

WHEEL_NEEDS = ("avx2", "fma", "f16c", "bmi2")
"""What the wheel's code takes for granted of an x86-64 processor, by the names of /proc/cpuinfo."""
WHEEL_GLIBC = (2, 28)
WHEEL_MACHINES = ("x86_64", "aarch64")
NEEDED_FLAGS = (
    "--model", "--mmproj", "--alias", "--host", "--port", "--ctx-size", "--parallel", "--kv-unified", "--cache-ram",
    "--image-min-tokens", "--image-max-tokens", "--threads", "--gpu-layers", "--reasoning-format", "--metrics",
    "--offline", "--no-ui", "--no-slots",
)  # fmt: skip
"""All that plans write: llama-server exits on a flag that it does not know."""


@dataclass(frozen=True)
class Server:
    """A llama-server."""

    program: Path
    build: Build | None
    """What is installed before the launch; None: nothing, it is there."""
    why: str


def choose_server(hardware: Hardware, root: Path) -> Server:
    """The user's own on the PATH, if it knows our flags; else the wheel; else, without AVX2, llama.cpp's own release.

    Raises:
        PlanError: none of them runs here.
    """
    path, passed = hardware.llama_server, _passed(hardware)
    if path is not None and not passed:
        return Server(Path(path), None, f"{path} is on the PATH, and goes before the llama.cpp that we would install.")
    lacking = [name for name in WHEEL_NEEDS if name not in hardware.cpu_flags] if hardware.machine == "x86_64" else []
    if hardware.machine in WHEEL_MACHINES and not lacking and hardware.has_glibc(WHEEL_GLIBC):
        return Server(llama_server(root), "wheel", f"{passed}llama.cpp {WHEEL_BUILD} from PyPI, in {ENVIRONMENT}.")
    why = f"this processor lacks {', '.join(lacking)}" if lacking else "the wheel on PyPI is not for this system"
    if hardware.machine in RELEASES and hardware.has_glibc(RELEASE_GLIBC):
        return Server(
            llama_server(root), "release", f"{passed}llama.cpp's own release {RELEASE_BUILD}, in {ENVIRONMENT}: {why}."
        )
    own = "your own llama-server on the PATH" + (", a newer one" if passed else "")
    raise PlanError(
        f"{passed}llama.cpp can't be installed here: {why}, and llama.cpp's own release needs glibc "
        f"{'.'.join(map(str, RELEASE_GLIBC))} on {' or '.join(RELEASES)}; put {own}."
    )


def _passed(hardware: Hardware) -> str:
    """Why the llama-server on the PATH is passed over, as a sentence before the reason; empty: it is not."""
    known = hardware.llama_flags
    if hardware.llama_server is None or known is None:
        return ""
    if not known:
        return f"{hardware.llama_server} is on the PATH, but its --help can't be read. "
    lacking = ", ".join(flag for flag in NEEDED_FLAGS if flag not in known)
    return f"{hardware.llama_server} is on the PATH, but does not know {lacking}. " if lacking else ""
