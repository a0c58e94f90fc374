"""OpenTelemetry for the page: traces if enabled, metrics always (`/metrics` reads them).

Traces are enabled by `OTEL_EXPORTER_OTLP_ENDPOINT` (sent there by OTLP over HTTP) or `KIMI_TRACE=console` (one line of
JSON per span). Background threads do the sending, so an unreachable collector delays no answer.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.metrics import Meter, NoOpMeter
from opentelemetry.trace import Tracer

from engine import tracing

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

NAME = "kimi-vl-chat"
SHUT_DOWN_SECONDS = 3.0
_log = logging.getLogger("app.telemetry.otel")


class Telemetry:
    """The page's providers; one object, `telemetry`, for the whole process."""

    def __init__(self) -> None:
        self.tracer: Tracer = trace.NoOpTracer()
        self.on = False
        """Whether spans are exported."""
        self.content = False
        """Whether spans may contain what users write (`KIMI_TRACE_CONTENT=1`)."""
        self.reader: InMemoryMetricReader | None = None
        """What `/metrics` reads."""
        self._traces: TracerProvider | None = None
        self._metrics: MeterProvider | None = None

    def set_up(self, *, console: bool = False, content: bool = False) -> None:
        """Sets up traces and metrics from the environment; called once, when the page starts.

        With `console`, spans are printed instead of sent; with `content`, they contain what users write.
        """
        # Imported here because importing the SDK is slow, and other modules import this one for spans only.
        from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415

        if "grpc" in os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", ""):
            _log.warning("OTLP is sent over HTTP, usually to port 4318; OTEL_EXPORTER_OTLP_PROTOCOL is ignored")
        resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", NAME)})
        self.content = content
        self._set_up_traces(resource, "console" if console else tracing.exporter(os.environ, "traces"))
        self.reader = InMemoryMetricReader()
        readers: list[MetricReader] = [self.reader, *_metric_exporters()]
        self._metrics = MeterProvider(readers, resource, shutdown_on_exit=False)

    def _set_up_traces(self, resource: Resource, asked: tracing.Exporter) -> None:
        if asked == "none":
            return
        # Imported only if traces are enabled.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter  # noqa: PLC0415

        one_line = ConsoleSpanExporter(formatter=lambda span: span.to_json(indent=None) + "\n")
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._traces.add_span_processor(BatchSpanProcessor(one_line if asked == "console" else OTLPSpanExporter()))
        self.tracer, self.on = self._traces.get_tracer(NAME), True

    def meter(self) -> Meter:
        """The meter for the page's instruments; before `set_up`, one that measures nothing."""
        return self._metrics.get_meter(NAME) if self._metrics else NoOpMeter(NAME)

    def shut_down(self) -> None:
        """Sends what is pending; gives up on an unreachable collector after a few seconds."""
        ending = threading.Thread(target=self._shut_down, daemon=True)
        ending.start()
        ending.join(SHUT_DOWN_SECONDS)

    def _shut_down(self) -> None:
        for provider in (self._traces, self._metrics):
            if provider:
                provider.shutdown()


def _metric_exporters() -> list[MetricReader]:
    asked = tracing.exporter(os.environ, "metrics")
    if asked == "none":
        return []
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader  # noqa: PLC0415

    one_line = ConsoleMetricExporter(formatter=lambda metrics: metrics.to_json(indent=None) + "\n")
    return [PeriodicExportingMetricReader(one_line if asked == "console" else OTLPMetricExporter())]


telemetry = Telemetry()
