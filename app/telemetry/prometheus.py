"""Metrics in Prometheus' text format, version 0.0.4; named by OpenTelemetry's compatibility specification."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from opentelemetry.sdk.metrics.export import (
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    Sum,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_UNITS = {"s": "seconds", "By": "bytes", "1": "ratio"}


def render(metrics: MetricsData | None) -> str:
    """All metrics as text; empty if nothing has been measured yet."""
    lines: list[str] = []
    for resource in metrics.resource_metrics if metrics else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                lines += _metric(metric)
    return "\n".join([*lines, ""])


def name_of(metric: str, unit: str, *, counter: bool) -> str:
    """A metric's name in Prometheus: `kimi.picture.duration` in s → kimi_picture_duration_seconds."""
    name = re.sub(r"[^a-zA-Z0-9_:]", "_", metric)
    # An annotation in braces such as {token} names what is counted and is not a unit.
    if (suffix := _UNITS.get(unit, "")) and not name.endswith(f"_{suffix}"):
        name += f"_{suffix}"
    return f"{name}_total" if counter else name


def _metric(metric: Metric) -> Iterable[str]:
    data = metric.data
    counter = isinstance(data, Sum) and data.is_monotonic
    kind = "histogram" if isinstance(data, Histogram) else "counter" if counter else "gauge"
    name = name_of(metric.name, metric.unit or "", counter=counter)
    yield f"# HELP {name} {_escaped(metric.description or '')}"
    yield f"# TYPE {name} {kind}"
    for point in data.data_points:
        if isinstance(point, HistogramDataPoint):
            yield from _histogram(name, point)
        elif isinstance(point, NumberDataPoint):
            yield f"{name}{_labels(point.attributes or {})} {point.value}"


def _histogram(name: str, point: HistogramDataPoint) -> Iterable[str]:
    labels, total = dict(point.attributes or {}), 0
    bounds = [*(f"{bound:g}" for bound in point.explicit_bounds), "+Inf"]
    for bound, count in zip(bounds, point.bucket_counts, strict=True):
        total += count
        yield f"{name}_bucket{_labels(labels | {'le': bound})} {total}"
    yield f"{name}_sum{_labels(labels)} {point.sum}"
    yield f"{name}_count{_labels(labels)} {point.count}"


def _labels(attributes: Mapping[str, Any]) -> str:
    if not attributes:
        return ""
    parts = (
        f'{re.sub("[^a-zA-Z0-9_]", "_", name)}="{_escaped(str(value), quote=True)}"'
        for name, value in attributes.items()
    )
    return "{" + ",".join(parts) + "}"


def _escaped(text: str, *, quote: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quote else text
