"""The environments of the clients: made when a test first needs them, from locked packages with hashes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.config import ROOT
from tests.instruments.scripted_product import ScriptedProduct

HERE = Path(__file__).parent
FOLDER = ROOT / ".venv-clients"
_SECONDS = 180
_OFFLINE = ("dns error", "error sending request", "Failed to fetch", "EAI_AGAIN", "ENOTFOUND", "ECONNREFUSED")


def _made(folder: Path, lock: Path, *commands: list[str], cwd: Path) -> None:
    """Runs the commands unless they have made the folder from this lock; skips where no registry is reachable."""
    stamp, wanted = folder / "made-from", hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    for command in commands:
        try:
            done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.skip(f"the clients could not be fetched within {_SECONDS} s")
        if done.returncode and any(word in done.stderr for word in _OFFLINE):
            pytest.skip(f"the clients can't be fetched here: {done.stderr.strip().splitlines()[-1]}")
        assert done.returncode == 0, done.stderr[-3000:]
    stamp.write_text(wanted)


@pytest.fixture(scope="package")
def scripted_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    """A page of their own: wrong keys, which the clients try again, count for everything on this machine."""
    with ScriptedProduct(tmp_path_factory.mktemp("clients") / "workspace") as product:
        yield product


@pytest.fixture(scope="package")
def python() -> Path:
    """The interpreter that has the clients for Python."""
    program, lock = FOLDER / "bin" / "python", HERE / "requirements.txt"
    uv = [sys.executable, "-m", "uv"]
    _made(
        FOLDER,
        lock,
        [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(FOLDER)],
        [*uv, "pip", "install", "--quiet", "--python", str(program), "--require-hashes", "-r", str(lock)],
        cwd=HERE,
    )
    return program


@pytest.fixture(scope="package")
def node() -> Path:
    """The folder that has the clients for Node, and their script."""
    if not (shutil.which("node") and (npm := shutil.which("npm"))):
        pytest.skip("there is no node and npm here")
    folder = FOLDER / "node"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "clients.mjs"):
        shutil.copyfile(HERE / name, folder / name)
    _made(
        folder,
        HERE / "package-lock.json",
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=folder,
    )
    return folder


def plain_environment(home: Path, key: str) -> dict[str, str]:
    """Nothing of ours but the key, and no proxy between a client and the page."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "OPENAI_API_KEY": key,
        "NO_PROXY": "127.0.0.1",
        # LiteLLM would fetch prices from GitHub.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
