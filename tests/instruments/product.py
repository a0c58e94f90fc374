"""The whole product, started as a user starts it: `./start.sh` with its own workspace and ports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from engine.config import ROOT
from tests.instruments.ports import free_port

PATIENCE = 300.0


class Product:
    """A running product. `settings` are further KIMI_ variables, e.g. `KIMI_UPLOAD_DAYS="1"`."""

    def __init__(self, workspace: Path, **settings: str) -> None:
        self.workspace = workspace
        self.port, self.engine_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.engine_url = f"http://127.0.0.1:{self.engine_port}"
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("KIMI_")} | {
            "KIMI_ENGINE": "reader",
            "KIMI_PORT": str(self.port),
            "KIMI_ENGINE_PORT": str(self.engine_port),
            "KIMI_WORKSPACE": str(workspace),
            **settings,
        }
        self.output = workspace.with_name(f"{workspace.name}.out")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, cwd: Path = ROOT) -> None:
        """Starts it, without waiting."""
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [ROOT / "start.sh"],
                env=self.environment,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`./start.sh COMMAND …` in this product's environment."""
        return subprocess.run(
            [ROOT / "start.sh", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    def status(self) -> dict[str, Any]:
        """What `run/status.json` says now; empty before there is one."""
        path = self.workspace / "run" / "status.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def until(self, condition: Callable[[dict[str, Any]], bool], what: str = "a status") -> dict[str, Any]:
        """Waits until the status meets the condition."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            status = self.status()
            if status and condition(status):
                return status
            if self.process is not None and self.process.poll() is not None:
                raise AssertionError(f"start.sh has ended while waiting for {what}:\n{self.output.read_text()}")
            time.sleep(0.1)
        raise AssertionError(f"waited in vain for {what}; the status is {self.status()}\n{self.output.read_text()}")

    def until_ready(self) -> dict[str, Any]:
        """Waits until engine and page are ready."""
        return self.until(lambda s: s["engine"]["state"] == s["page"]["state"] == "ready", "engine and page ready")

    def log(self) -> str:
        """What the page wrote."""
        return (self.workspace / "app.log").read_text()

    def engine_key(self) -> str:
        """The engine's key."""
        return (self.workspace / "run" / "engine.key").read_text().strip()

    def get(self, path: str) -> tuple[int, bytes]:
        """GETs from the page; status and body."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=20) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def tree(self) -> list[psutil.Process]:
        """The supervisor and all that descend from it."""
        assert self.process is not None
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def stop(self) -> int:
        """Ctrl-C, as on a terminal; returns the exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


@contextmanager
def running_product(workspace: Path, **settings: str) -> Iterator[Product]:
    """A product that is ready; stopped at the end."""
    product = Product(workspace, **settings)
    product.start()
    try:
        product.until_ready()
        yield product
    finally:
        product.stop()


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run."""
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
