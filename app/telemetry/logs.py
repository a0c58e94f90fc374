"""The page's log: one line an event, with the thread that it concerns and the trace; as JSON with `KIMI_LOG_JSON=1`.

What people write is never logged, nor a session's id (which opens its files), nor a secret.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from opentelemetry.trace import get_current_span

_MINUTE = 60.0
_thread: ContextVar[str] = ContextVar("thread", default="")
_events = logging.getLogger("app.event")
_QUIET = ("httpx", "httpx2", "watchfiles", "alembic", "uvicorn.error", "opentelemetry.sdk.metrics")
"""What is logged from its warnings on; uvicorn would log each socket with its session's id."""


@contextmanager
def about(thread: str) -> Iterator[None]:
    """What is logged meanwhile concerns this thread."""
    token = _thread.set(thread)
    try:
        yield
    finally:
        _thread.reset(token)


def event(name: str, **facts: object) -> None:
    """Logs that something happened; a fact that is None is left out."""
    known = {key: value for key, value in facts.items() if value is not None}
    _events.info(name, extra={"facts": known})


def set_up(*, as_json: bool) -> None:
    """Sends all logging to standard output, which the supervisor writes into app.log."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines() if as_json else Lines())
    handler.addFilter(Repeats())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(capture=True)
    for noisy in _QUIET:
        logging.getLogger(noisy).setLevel(logging.WARNING)


class Repeats(logging.Filter):
    """Keeps what somebody can make the page log again and again from pushing out all else.

    Of warnings and errors from one place in the code, `most` are written in a minute. The next one after that minute
    says how many were left out.
    """

    def __init__(self, most: int = 20, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._most = most
        self._clock = clock
        self._seen: dict[tuple[str, str, int], tuple[float, int]] = {}
        """When the minute of a place began, and how many there were in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        if record.levelno < logging.WARNING:
            return True
        place, now = (record.name, record.pathname, record.lineno), self._clock()
        began, count = self._seen.get(place, (now, 0))
        if now - began < _MINUTE:
            self._seen[place] = began, count + 1
            return count < self._most
        self._seen[place] = now, 1
        if count > self._most:
            record.msg, record.args = f"{record.getMessage()} ({count - self._most} like it were left out)", ()
        return True


class Lines(logging.Formatter):
    """`2026-11-22T02:20:54.123+00:00 INFO app.event: turn ended ending=stop thread=… trace=…`, on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line; a traceback's line breaks become ⏎."""
        facts = "".join(f" {key}={_short(value)}" for key, value in (_facts(record) | _where()).items())
        text = f"{_time(record)} {record.levelname} {record.name}: {record.getMessage()}{facts}"
        if trouble := _trouble(self, record):
            text += f" ⏎ {trouble}"
        return " ⏎ ".join(line for line in text.splitlines() if line.strip())


class JsonLines(logging.Formatter):
    """The same as an object of JSON a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        fields = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_facts(record),
            **_where(),
        }
        if trouble := _trouble(self, record):
            fields["exception"] = trouble
        return json.dumps(fields, ensure_ascii=False, default=str)


def _facts(record: logging.LogRecord) -> dict[str, object]:
    facts: dict[str, object] = getattr(record, "facts", {})
    return facts


def _where() -> dict[str, object]:
    found: dict[str, object] = {}
    if thread := _thread.get():
        found["thread"] = thread
    context = get_current_span().get_span_context()
    if context.is_valid:
        found |= {"trace": f"{context.trace_id:032x}", "span": f"{context.span_id:016x}"}
    return found


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _trouble(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""


def _short(value: object) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    return json.dumps(text, ensure_ascii=False) if not text or set(text) & set(' "=\n\t') else text
