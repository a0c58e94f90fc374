"""The page's log: one line per event, with its thread and trace; as JSON with `KIMI_LOG_JSON=1`.

Never logged: what users write, secrets, and session ids, which give access to a session's files.
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
"""Loggers limited to warnings; uvicorn would log each socket with its session's id."""


@contextmanager
def about(thread: str) -> Iterator[None]:
    """Adds this thread to all log lines inside the block."""
    token = _thread.set(thread)
    try:
        yield
    finally:
        _thread.reset(token)


def event(name: str, **facts: object) -> None:
    """Logs an event; facts that are None are omitted."""
    known = {key: value for key, value in facts.items() if value is not None}
    _events.info(name, extra={"facts": known})


def set_up(*, as_json: bool) -> None:
    """Sends all logging to standard output, which the supervisor writes to app.log."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines() if as_json else Lines())
    handler.addFilter(Repeats())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(capture=True)
    for noisy in _QUIET:
        logging.getLogger(noisy).setLevel(logging.WARNING)


class Repeats(logging.Filter):
    """Limits repeated messages, so that an attacker cannot flood the log.

    At most `most` warnings and errors from one place in the code are written per minute. The first one after that
    minute states how many were omitted.
    """

    def __init__(self, most: int = 20, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._most = most
        self._clock = clock
        self._seen: dict[tuple[str, str, int], tuple[float, int]] = {}
        """When the current minute of a place began, and its number of records since."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write the record."""
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
    """The same as a JSON object per line."""

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
