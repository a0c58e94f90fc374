"""Which settings make the reader faster, and whether it still reads as well.

Each picture is read with one setting after the other, so that a busy machine is as busy for all of them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from statistics import mean, median
from typing import Any
from unittest.mock import patch

from engine.measure.accuracy.scoring import character_errors, folded
from engine.measure.accuracy.sets import OUR_PICTURES, folder_set
from engine.reader.reading import recogniser
from engine.reader.reading.read import read

TODAY = "as it is"
_AT_ONCE = 4


@dataclass(frozen=True)
class Setting:
    """The difference from the reader's default settings."""

    threads: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    spinning: bool | None = None
    arena: bool | None = None
    constants: dict[str, float] = field(default_factory=dict)


SETTINGS: dict[str, Setting] = {
    TODAY: Setting(),
    "one thread": Setting(threads=1),
    "threads wait awake": Setting(spinning=True),
    "memory kept between calls": Setting(arena=True),
    "short lines unpadded": Setting(constants={"_LEAST_SHAPE": 1}),
    "detector at 544": Setting(constants={"_DETECTOR_SIDE": 544}),
}


@dataclass
class _Reader:
    setting: Setting
    own: recogniser.Recogniser
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    errors: int = 0

    def read(self, data: bytes) -> tuple[float, float, str]:
        """Wall and CPU seconds, and the text."""
        with patch.dict(vars(recogniser), self.setting.constants):
            wall, cpu = time.perf_counter(), time.process_time()
            text = "\n".join(read(self.own, data, _silent).texts)
            return time.perf_counter() - wall, time.process_time() - cpu, text


def reader(pictures: int, runs: int) -> dict[str, Any]:
    """The settings' figures over so many of the drawn pictures, the first readings, and one worker beside two."""
    items = list(folder_set(OUR_PICTURES).items())
    chosen = [(item.expected[0], load()) for item, load in islice(items, 0, None, max(1, len(items) // pictures))]
    first = _first_readings(chosen[0][1])
    readers = {name: _Reader(setting, _made(setting)) for name, setting in SETTINGS.items()}
    letters = 0
    for truth, data in chosen:
        letters += len(folded(truth))
        passes = [{name: one.read(data) for name, one in readers.items()} for _ in range(runs)]
        for name, one in readers.items():
            seconds, cpu, texts = zip(*(measured[name] for measured in passes), strict=True)
            one.seconds.append(median(seconds))
            one.cpu.append(median(cpu))
            one.errors += _errors(truth, texts[0])
    rows = {name: _row(one, letters) for name, one in readers.items()}
    return {"pictures": len(chosen), "settings": rows, **first, **_workers([data for _, data in chosen], runs)}


def _row(one: _Reader, letters: int) -> dict[str, float]:
    return {
        "ms": round(mean(one.seconds) * 1000, 1),
        "cpu_s": round(mean(one.cpu), 3),
        "character_errors": round(one.errors / letters, 4),
    }


def _first_readings(data: bytes) -> dict[str, float]:
    """How long the first picture takes, with and without a warm-up before it."""
    unused = recogniser.Recogniser(Setting().threads)
    unused._ocr._load_det_model()
    unused._ocr._load_rec_model()
    cold = _Reader(Setting(), unused).read(data)[0]
    warm = _Reader(Setting(), _made(Setting()))
    first, second = warm.read(data)[0], warm.read(data)[0]
    named = {"first_cold_ms": cold, "first_warm_ms": first, "second_ms": second}
    return {name: round(seconds * 1000) for name, seconds in named.items()}


def _workers(pictures: list[bytes], runs: int) -> dict[str, float]:
    """Seconds for several pictures that come at once: one worker on both cores, or two workers with a core each."""
    batch = [pictures[number % len(pictures)] for number in range(_AT_ONCE)]
    one, *two = [_made(Setting())] + [_made(Setting(threads=1)) for _ in range(2)]
    pairs = [(_together([one], batch), _together(two, batch)) for _ in range(runs)]
    return {
        "at_once": len(batch),
        "one_worker_s": round(median(a for a, _ in pairs), 2),
        "two_workers_s": round(median(b for _, b in pairs), 2),
    }


def _together(workers: list[recogniser.Recogniser], batch: list[bytes]) -> float:
    left = iter(batch)
    lock = threading.Lock()

    def work(own: recogniser.Recogniser) -> None:
        while True:
            with lock:
                data = next(left, None)
            if data is None:
                return
            read(own, data, _silent)

    threads = [threading.Thread(target=work, args=(own,)) for own in workers]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def _made(setting: Setting) -> recogniser.Recogniser:
    with _sessions(setting):
        made = recogniser.Recogniser(setting.threads)
        made.warm_up()
    return made


@contextmanager
def _sessions(setting: Setting) -> Iterator[None]:
    """Creates onnxruntime's sessions with options that rapidocr has no setting for."""
    usual = recogniser._session_options

    def options(config: dict[str, Any]) -> Any:
        made = usual(config)
        if setting.spinning is not None:
            made.add_session_config_entry("session.intra_op.allow_spinning", str(int(setting.spinning)))
        if setting.arena is not None:
            made.enable_cpu_mem_arena = setting.arena
        return made

    with patch.object(recogniser, "_session_options", options):
        yield


@cache
def _errors(truth: str, text: str) -> int:
    return character_errors(truth, text)[0]


def _silent(*_: object, **__: object) -> None:
    """No one listens."""
