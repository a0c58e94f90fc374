"""How long an installed `./start.sh` takes to the page, to a ready engine, and to the reader's first answer."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import psutil

from engine.measure.accuracy.sets import OUR_PICTURES, READ_ALL, picture_url
from tests.benchmarks.apps import naive
from tests.instruments.product import Product

_LOOK_EVERY = 0.05
"""Seconds; polling more often would take a fifth of a core."""
_PATIENCE = 180.0
_PICTURES = ("menu-en.webp", "card-zh.webp")
"""The first and the second picture for the reader."""


def start(folder: Path, runs: int) -> dict[str, float]:
    """Seconds, the median of `runs`; nothing else of the benchmark runs at the same time."""
    found = [_once(folder / f"start-{number}") for number in range(runs)]
    return {name: round(median(run[name] for run in found), 3) for name in found[0]}


def _once(folder: Path) -> dict[str, float]:
    folder.mkdir(parents=True)
    began = time.monotonic()
    with naive(folder, "http://127.0.0.1:1") as app:
        found = {"naive_s": time.monotonic() - began, "naive_cpu_s": app.cpu()}
    product = Product(folder / "workspace")
    # As in a user's shell: a variable of the person who runs the benchmark must not disable Python's bytecode cache.
    product.environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.monotonic()
    product.start()
    try:
        return found | _watched(product, began)
    finally:
        product.stop()


def _watched(product: Product, began: float) -> dict[str, float]:
    def engine_is_ready() -> bool:
        return bool(product.status().get("engine", {}).get("state") == "ready")

    with ThreadPoolExecutor(3) as pool:
        page = pool.submit(_when, lambda: _answers(f"{product.url}/healthz"))
        engine = pool.submit(_when, lambda: _answers(f"{product.engine_url}/health"))
        noted = pool.submit(_when, engine_is_ready)
        found = {"page_s": page.result() - began, "page_cpu_s": _cpu(product, "app")}
        found |= {"engine_s": engine.result() - began, "noted_s": noted.result() - began}
    found["noted_late_s"] = found["noted_s"] - found["engine_s"]
    for name, picture in zip(("first_answer_s", "second_answer_s"), _PICTURES, strict=True):
        asked = time.monotonic()
        _read(product, OUR_PICTURES / picture)
        found[name] = time.monotonic() - asked
    return found


def _when(happened: Callable[[], bool]) -> float:
    """The moment at which it has happened."""
    deadline = time.monotonic() + _PATIENCE
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError("./start.sh did not come up")
        time.sleep(_LOOK_EVERY)
    return time.monotonic()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=_PATIENCE) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def _cpu(product: Product, module: str) -> float:
    """Seconds of CPU that the process of `python -m MODULE` has used."""
    assert product.process is not None
    for process in psutil.Process(product.process.pid).children():
        if process.cmdline()[-2:] == ["-m", module]:
            times = process.cpu_times()
            return float(times.user + times.system)
    return 0.0


def _read(product: Product, picture: Path) -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": picture_url(picture.read_bytes())}},
        {"type": "text", "text": READ_ALL},
    ]
    body = {"model": "reader", "messages": [{"role": "user", "content": parts}]}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {product.engine_key()}"}
    asked = urllib.request.Request(f"{product.engine_url}/v1/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(asked, timeout=_PATIENCE) as reply:
        reply.read()
