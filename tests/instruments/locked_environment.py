"""Environments that tests make when they first need them, from locked packages with hashes."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_SECONDS = 180
_OFFLINE = ("dns error", "error sending request", "Failed to fetch", "EAI_AGAIN", "ENOTFOUND", "ECONNREFUSED")


def python_environment(folder: Path, lock: Path) -> Path:
    """The interpreter of the environment in `folder` with the packages of `lock`."""
    program, uv = folder / "bin" / "python", [sys.executable, "-m", "uv"]
    _made(
        folder,
        lock,
        [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
        [*uv, "pip", "install", "--quiet", "--python", str(program), "--require-hashes", "-r", str(lock)],
        cwd=lock.parent,
    )
    return program


def node_environment(folder: Path, source: Path) -> Path:
    """`folder`, with the packages of the `package-lock.json` in `source`; skips where there is no Node."""
    if not (shutil.which("node") and (npm := shutil.which("npm"))):
        pytest.skip("there is no node and npm here")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(source / name, folder / name)
    _made(
        folder,
        source / "package-lock.json",
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=folder,
    )
    return folder


def _made(folder: Path, lock: Path, *commands: list[str], cwd: Path) -> None:
    """Runs the commands unless they have made the folder from this lock; skips where no registry is reachable."""
    stamp, wanted = folder / "made-from", hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    for command in commands:
        try:
            done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.skip(f"the packages could not be fetched within {_SECONDS} s")
        if done.returncode and any(word in done.stderr for word in _OFFLINE):
            pytest.skip(f"the packages can't be fetched here: {done.stderr.strip().splitlines()[-1]}")
        assert done.returncode == 0, done.stderr[-3000:]
    stamp.write_text(wanted)
