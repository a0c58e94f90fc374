"""A fake collector: it receives traces and metrics by OTLP over HTTP, decodes the protobuf and keeps them."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue


@dataclass(frozen=True)
class Span:
    """A span as it was sent. Times are in nanoseconds since 1970."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    start: int
    end: int
    attributes: dict[str, Any]
    events: tuple[tuple[str, int], ...]


class Collector:
    """Serves on a free port of 127.0.0.1: `with Collector() as collector`, then `collector.url`."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.metrics: set[str] = set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                if self.path == "/v1/traces":
                    collector.spans += _spans(ExportTraceServiceRequest.FromString(body))
                elif self.path == "/v1/metrics":
                    collector.metrics |= _metrics(ExportMetricsServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Logs nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Collector:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self, condition: Callable[[list[Span]], bool], seconds: float = 60.0) -> list[Span]:
        """Waits until what was sent meets the condition."""
        deadline = time.monotonic() + seconds
        while not condition(self.spans):
            assert time.monotonic() < deadline, f"only these spans came:\n{tree(self.spans)}"
            time.sleep(0.1)
        return self.spans


def tree(spans: list[Span]) -> str:
    """The spans as an indented tree, each with its events, times in milliseconds from the first one's start."""
    known = {span.id for span in spans}
    zero = min((span.start for span in spans), default=0)

    def lines(parent: str, depth: int) -> list[str]:
        found = []
        children = [span for span in spans if span.parent == parent or (depth == 0 and span.parent not in known)]
        for span in sorted(children, key=lambda span: span.start):
            indent = "  " * depth
            found.append(f"{indent}{span.name} [{span.service}] {_ms(span.start - zero)}-{_ms(span.end - zero)} ms")
            found += [f"{indent}  · {name} {_ms(at - zero)} ms" for name, at in span.events]
            found += lines(span.id, depth + 1)
        return found

    return "\n".join(lines("", 0))


def _ms(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e6:.1f}"


def _spans(request: ExportTraceServiceRequest) -> list[Span]:
    return [
        Span(
            str(_attributes(group.resource.attributes).get("service.name")),
            span.name,
            span.trace_id.hex(),
            span.span_id.hex(),
            span.parent_span_id.hex(),
            span.start_time_unix_nano,
            span.end_time_unix_nano,
            _attributes(span.attributes),
            tuple((event.name, event.time_unix_nano) for event in span.events),
        )
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def _metrics(request: ExportMetricsServiceRequest) -> set[str]:
    return {
        metric.name for group in request.resource_metrics for scope in group.scope_metrics for metric in scope.metrics
    }


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(entry) for entry in value.array_value.values]
    return getattr(value, kind) if kind else None
