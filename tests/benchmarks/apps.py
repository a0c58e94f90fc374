"""The measured processes, each on a free port: the page, the naive app, and the instrument behind both."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from engine.config import ROOT, Workspace, secret
from engine.status import Status
from tests.benchmarks.engine import MODEL
from tests.instruments.launch_plan import launch_plan
from tests.instruments.ports import free_port
from tests.instruments.scripted_product import wait_for

_PATIENCE = 180.0


@dataclass(frozen=True)
class App:
    """A process that answers at `url`."""

    name: str
    url: str
    process: psutil.Process

    def cpu(self) -> float:
        """Seconds of CPU that it and its children have used."""
        total = 0.0
        for process in [self.process, *self.process.children(recursive=True)]:
            times = process.cpu_times()
            total += times.user + times.system
        return total

    def memory(self) -> float:
        """MiB that it and its children hold for themselves (PSS)."""
        processes = [self.process, *self.process.children(recursive=True)]
        return sum(float(process.memory_full_info().pss) for process in processes) / 2**20


@dataclass(frozen=True)
class Apps:
    """What one run measures."""

    engine: App
    page: App
    naive: App

    @property
    def both(self) -> tuple[App, App]:
        """Page and naive app."""
        return self.page, self.naive


@contextmanager
def running_apps(folder: Path) -> Iterator[Apps]:
    """The instrument, the page and the naive app, ready to be asked."""
    with _engine(folder) as engine, page(folder, engine.url) as ours, naive(folder, engine.url) as theirs:
        yield Apps(engine, ours, theirs)


@contextmanager
def page(folder: Path, engine_url: str, **plan: Any) -> Iterator[App]:
    """`python -m app` as the supervisor starts it, on a plan for the engine at `engine_url`."""
    files = Workspace(folder / "workspace")
    files.create()
    secret(files.engine_key)
    facts = {"engine": "vllm", "model": "Kimi-VL-A3B-Thinking-2506", "served_name": MODEL} | plan
    launched = launch_plan(f"{engine_url}/v1", **facts)
    launched.write(files.plan)
    Status().with_engine(state="ready", kind="vllm", model=MODEL, base_url=launched.base_url).write(files.status)
    port = free_port()
    environment = {"KIMI_WORKSPACE": str(files.root), "KIMI_PORT": str(port), "KIMI_LOG_JSON": "0"}
    with _running(
        "page", [sys.executable, "-m", "app"], port, folder, path="/healthz", cwd=ROOT, environment=environment
    ) as app:
        yield app


@contextmanager
def _engine(folder: Path) -> Iterator[App]:
    port = free_port()
    command = [sys.executable, "-m", "tests.benchmarks.engine", str(port)]
    with _running("engine", command, port, folder, path="/health", cwd=ROOT, environment={}) as app:
        yield app


@contextmanager
def naive(folder: Path, engine_url: str) -> Iterator[App]:
    """The naive app, on the engine at `engine_url`."""
    port = free_port()
    root = folder / "naive"
    root.mkdir(parents=True)
    environment = {
        "CHAINLIT_APP_ROOT": str(root),
        "CHAINLIT_ENV_FILE": os.devnull,
        "OPENAI_API_BASE": f"{engine_url}/v1",
        "OPENAI_API_KEY": "none",
        "NAIVE_MODEL": MODEL,
    }
    program = ROOT / "tests" / "benchmarks" / "naive_app.py"
    command = [sys.executable, "-m", "chainlit", "run", str(program), "--headless", "--port", str(port)]
    with _running("naive", command, port, folder, path="/", cwd=root, environment=environment) as app:
        yield app


@contextmanager
def _running(
    name: str, command: list[str], port: int, folder: Path, *, path: str, cwd: Path, environment: dict[str, str]
) -> Iterator[App]:
    others = ("KIMI_", "CHAINLIT_", "PYTHONDONTWRITEBYTECODE", "OPENAI_", "OTEL_")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    log_path = folder / f"{name}.log"
    with log_path.open("wb") as log:
        started = subprocess.Popen(
            command, cwd=cwd, env=ours | environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )

    def alive() -> None:
        if started.poll() is not None:
            raise RuntimeError(f"{name} ended by itself:\n{log_path.read_text()}")

    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(url + path, _PATIENCE, alive)
        yield App(name, url, psutil.Process(started.pid))
    finally:
        started.terminate()
        try:
            started.wait(20)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()
