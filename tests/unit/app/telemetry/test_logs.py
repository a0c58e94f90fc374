"""The page's log: always one line per event, with thread and trace."""

import json
import logging

import pytest
from opentelemetry.sdk.trace import TracerProvider

from app.telemetry import logs


def written(formatter: logging.Formatter, **more: object) -> str:
    record = logging.LogRecord("app.page.callbacks", logging.WARNING, __file__, 1, "it went %s", ("wrong",), None)
    record.__dict__.update(more)
    return formatter.format(record)


def failed() -> dict[str, object]:
    try:
        int("first\nsecond")
    except ValueError as error:
        return {"exc_info": (type(error), error, error.__traceback__)}


def test_a_line_has_its_facts_and_its_thread() -> None:
    with logs.about("the-thread"):
        line = written(logs.Lines(), facts={"seconds": 0.25, "model": "a b", "tokens": 3})
    assert line.endswith(
        'WARNING app.page.callbacks: it went wrong seconds=0.250 model="a b" tokens=3 thread=the-thread'
    )
    assert "thread" not in written(logs.Lines())


def test_a_traceback_stays_on_its_line() -> None:
    line = written(logs.Lines(), **failed())
    assert "\n" not in line
    assert line.index("Traceback") < line.index("ValueError: invalid literal")


def test_as_json_it_is_an_object_a_line() -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    with logs.about("the-thread"), tracer.start_as_current_span("a span") as span:
        line = written(logs.JsonLines(), facts={"seconds": 0.25}, **failed())
    assert "\n" not in line
    found = json.loads(line)
    assert found["message"] == "it went wrong"
    assert (found["level"], found["logger"], found["seconds"]) == ("WARNING", "app.page.callbacks", 0.25)
    assert found["thread"] == "the-thread"
    assert found["trace"] == f"{span.get_span_context().trace_id:032x}"
    assert "invalid literal" in found["exception"]


def test_an_event_leaves_out_what_is_not_known(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "app.event"):
        logs.event("turn ended", ending="stop", first_token=None)
    assert caplog.records[0].__dict__["facts"] == {"ending": "stop"}


def test_a_repeated_log_message_pushes_nothing_else_out() -> None:
    now = [0.0]
    repeats = logs.Repeats(most=3, clock=lambda: now[0])

    def line(number: int, level: int = logging.WARNING) -> str | None:
        record = logging.LogRecord("app.requests", level, __file__, number, "refused", (), None)
        return record.getMessage() if repeats.filter(record) else None

    assert [line(1) for _ in range(5)] == ["refused", "refused", "refused", None, None]
    assert line(2) == "refused", "another place in the code"
    assert [line(3, logging.INFO) for _ in range(5)] == ["refused"] * 5
    now[0] = 61
    assert [line(1) for _ in range(4)] == ["refused (2 like it were left out)", "refused", "refused", None]
