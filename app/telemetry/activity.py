"""What the web process is doing, and did in the last hour, for the metrics and the status page. In memory only."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

KEPT_SECONDS = 3600
_MOST = 5000


@dataclass(frozen=True)
class Done:
    """One request that has ended, complete or not. `at` is Unix time; other times are in seconds."""

    at: float
    model: str
    first_token: float | None
    tokens_per_second: float | None


@dataclass
class Activity:
    """The current counters, and the requests of the last hour, oldest first."""

    streams: int = 0
    """Answers in progress."""
    waiting: int = 0
    """Questions that wait for the engine to be ready."""
    queued: int | None = None
    """Requests that wait inside the engine, if it was asked recently."""
    done: deque[Done] = field(default_factory=lambda: deque(maxlen=_MOST))

    @contextmanager
    def waiting_one(self) -> Iterator[None]:
        """Counts a question that waits for the engine."""
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1

    @contextmanager
    def streaming_one(self) -> Iterator[None]:
        """Counts an answer in progress."""
        self.streams += 1
        try:
            yield
        finally:
            self.streams -= 1

    def add(self, model: str, first_token: float | None, tokens_per_second: float | None) -> None:
        """Records a request that has just ended."""
        self.done.append(Done(time.time(), model, first_token, tokens_per_second))

    def last_hour(self) -> list[Done]:
        """The requests that ended within the hour."""
        since = time.time() - KEPT_SECONDS
        while self.done and self.done[0].at < since:
            self.done.popleft()
        return list(self.done)


activity = Activity()
