"""Where OpenTelemetry's standard variables (`OTEL_…`) send traces and metrics; page and engine read them alike."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from engine.env_file import env_values

Exporter = Literal["otlp", "console", "none"]
PROTOCOL = "http/protobuf"
"""How page and engine send: OTLP over HTTP, usually to port 4318 of a collector."""


def take_standard_settings(env_file: Path) -> None:
    """Puts the `OTEL_…` lines of `.env` into the environment, which wins, for this process and those it starts."""
    for name, value in env_values(env_file).items():
        if value and name.startswith("OTEL_"):
            os.environ.setdefault(name, value)


def exporter(environment: Mapping[str, str], signal: Literal["traces", "metrics"]) -> Exporter:
    """Where the signal goes; to a collector only where one is named."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return "none"
    asked = environment.get(f"OTEL_{signal.upper()}_EXPORTER", "").strip().lower()
    if asked == "console":
        return "console"
    return "otlp" if asked in {"", "otlp"} and endpoint(environment, signal) else "none"


def endpoint(environment: Mapping[str, str], signal: Literal["traces", "metrics"]) -> str | None:
    """The whole URL of a collector for the signal; None where none is named.

    Source: the OTLP exporter's specification, "Endpoint URLs for OTLP/HTTP".
    """
    if own := environment.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT"):
        return own
    base = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    return f"{base.rstrip('/')}/v1/{signal}" if base else None


def engine_traces(environment: Mapping[str, str]) -> str | None:
    """Where an engine of ours is to send its traces; None: nowhere."""
    return endpoint(environment, "traces") if exporter(environment, "traces") == "otlp" else None
