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


@dataclass(frozen=True)
class Server:
    """A llama-server."""

    program: Path
    build: Build | None
    """What is installed before the launch; None: nothing, it is there."""
    why: str


def choose_server(hardware: Hardware, root: Path) -> Server:
    """The user's own on the PATH; else the wheel; else, on a processor without AVX2, llama.cpp's own release.

    Raises:
        PlanError: none of them runs here.
    """
    if hardware.llama_server is not None:
        path = Path(hardware.llama_server)
        return Server(path, None, f"{path} is on the PATH, and goes before the llama.cpp that we would install.")
    lacking = [name for name in WHEEL_NEEDS if name not in hardware.cpu_flags] if hardware.machine == "x86_64" else []
    if hardware.machine in WHEEL_MACHINES and not lacking and hardware.has_glibc(WHEEL_GLIBC):
        return Server(llama_server(root), "wheel", f"llama.cpp {WHEEL_BUILD} from PyPI, in {ENVIRONMENT}.")
    why = f"this processor lacks {', '.join(lacking)}" if lacking else "the wheel on PyPI is not for this system"
    if hardware.machine in RELEASES and hardware.has_glibc(RELEASE_GLIBC):
        return Server(
            llama_server(root), "release", f"llama.cpp's own release {RELEASE_BUILD}, in {ENVIRONMENT}: {why}."
        )
    raise PlanError(
        f"llama.cpp can't be installed here: {why}, and llama.cpp's own release needs glibc "
        f"{'.'.join(map(str, RELEASE_GLIBC))} on {' or '.join(RELEASES)}; put your own llama-server on the PATH."
    )
