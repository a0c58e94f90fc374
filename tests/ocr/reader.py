"""A reader process, and questions for it."""

import base64
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.config import ROOT
from tests.instruments.pictures.case import Case
from tests.instruments.ports import free_port

_PATIENCE = 180.0


@contextmanager
def running_reader(uploads: Path) -> Iterator[str]:
    """Starts a reader; gives the address of its API. It has no key and is stopped at the end."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "engine.reader", "--port", str(port), "--uploads", str(uploads)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KIMI_")}
    with subprocess.Popen([*command, "--log-level", "warning"], cwd=ROOT, env=environment) as process:
        try:
            _wait(f"{address}/health", process)
            yield f"{address}/v1"
        finally:
            process.terminate()


def ask(base_url: str, case: Case, question: str, key: str = "none", model: str = "reader") -> str:
    """The engine's answer to a question about the case's picture.

    Raises:
        urllib.error.HTTPError: it refuses.
    """
    picture = f"data:{case.media_type};base64,{base64.b64encode(case.data).decode()}"
    content = [{"type": "image_url", "image_url": {"url": picture}}, {"type": "text", "text": question}]
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": content}]}).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{base_url}/chat/completions", body, headers)
    with urllib.request.urlopen(request, timeout=_PATIENCE) as reply:
        return str(json.load(reply)["choices"][0]["message"]["content"])


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the reader has ended with status {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:  # not listening yet, or not ready: an HTTPError is one, too
            time.sleep(0.1)
    raise AssertionError("the reader did not get ready")
