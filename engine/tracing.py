"""Where OpenTelemetry's variables (`OTEL_…`) send traces and metrics, for the web process and the engine alike."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from engine.env_file import env_values

Exporter = Literal["otlp", "console", "none"]
PROTOCOL = "http/protobuf"
"""The protocol of the web process and the engine: OTLP over HTTP, usually to port 4318 of a collector."""


def take_standard_settings(env_file: Path) -> None:
    """Adds the `OTEL_…` lines of `.env` to the environment, which takes precedence, also for child processes."""
    for name, value in env_values(env_file).items():
        if value and name.startswith("OTEL_"):
            os.environ.setdefault(name, value)


def exporter(environment: Mapping[str, str], signal: Literal["traces", "metrics"]) -> Exporter:
    """Where the signal goes; to a collector only if one is named."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return "none"
    chosen = environment.get(f"OTEL_{signal.upper()}_EXPORTER", "").strip().lower()
    if chosen == "console":
        return "console"
    return "otlp" if chosen in {"", "otlp"} and endpoint(environment, signal) else "none"


def endpoint(environment: Mapping[str, str], signal: Literal["traces", "metrics"]) -> str | None:
    """The complete URL of a collector for the signal; None if none is named.

    Source: the OTLP exporter's specification, "Endpoint URLs for OTLP/HTTP".
    """
    if own := environment.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT"):
        return own
    base = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    return f"{base.rstrip('/')}/v1/{signal}" if base else None


def engine_traces(environment: Mapping[str, str]) -> str | None:
    """Where an engine that we start sends its traces; None: nowhere."""
    return endpoint(environment, "traces") if exporter(environment, "traces") == "otlp" else None
