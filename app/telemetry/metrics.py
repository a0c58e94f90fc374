"""The page's metrics: OpenTelemetry's names for generative AI where they exist, `kimi.…` otherwise.

Recorded at most once per turn, never per token. docs/observability.md explains each one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import get_args

from opentelemetry.metrics import CallbackOptions, Histogram, Meter, NoOpMeter, Observation

from app.talk.figures import Figures
from app.telemetry.activity import activity
from engine.status import EngineStatus, State

_FIRST = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_BETWEEN = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5)
_LASTING = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
_PICTURE = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_TOKENS = tuple(float(4**power) for power in range(11))


class Instruments:
    """The page's instruments, created once from a meter."""

    def __init__(self, meter: Meter) -> None:
        def seconds(name: str, text: str, bounds: tuple[float, ...]) -> Histogram:
            return meter.create_histogram(name, "s", text, explicit_bucket_boundaries_advisory=bounds)

        self.turns = meter.create_counter("kimi.turns", "{turn}", "Turns that ended, by how they ended.")
        self.duration = seconds("gen_ai.client.operation.duration", "A request, from sending to its end.", _LASTING)
        self.first = seconds(
            "gen_ai.client.operation.time_to_first_chunk", "From the request to its first token.", _FIRST
        )
        self.between = seconds("kimi.inter_token_latency", "Mean time between two tokens of a request.", _BETWEEN)
        self.tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Tokens of a request, as the engine counts them.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self.warm_ups = meter.create_counter(
            "kimi.warm_ups", "{request}", "Prompts that the idle engine was to read ahead, by how that ended."
        )
        self.pictures = seconds("kimi.picture.duration", "Checking and preparing one uploaded file.", _PICTURE)
        self._gauges(meter)

    @staticmethod
    def _gauges(meter: Meter) -> None:
        def gauge(name: str, unit: str, text: str, value: Callable[[], int | None]) -> None:
            def read(_: CallbackOptions) -> Iterable[Observation]:
                seen = value()
                return [] if seen is None else [Observation(seen)]

            meter.create_observable_gauge(name, [read], unit, text)

        gauge("kimi.streams.active", "{stream}", "Answers in progress.", lambda: activity.streams)
        gauge(
            "kimi.turns.waiting", "{turn}", "Questions that wait for the engine to be ready.", lambda: activity.waiting
        )
        gauge("kimi.engine.queue", "{request}", "Requests that wait inside the engine.", lambda: activity.queued)

    def request(self, engine: str, figures: Figures, seconds: float, error: str = "") -> None:
        """Records one request to the engine; `error` is the class of its exception, if any."""
        who = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": engine, "gen_ai.request.model": figures.model}
        self.duration.record(seconds, who | ({"error.type": error} if error else {}))
        if figures.first_token is not None:
            self.first.record(figures.first_token, who)
        if speed := figures.tokens_per_second:
            self.between.record(1 / speed, who)
        if figures.usage:
            self.tokens.record(figures.usage.prompt_tokens, who | {"gen_ai.token.type": "input"})
            self.tokens.record(figures.usage.completion_tokens, who | {"gen_ai.token.type": "output"})


class _Holder:
    instruments = Instruments(NoOpMeter("none"))


def set_up(meter: Meter, engine: Callable[[], EngineStatus], chats: Callable[[], int]) -> None:
    """Starts measuring; `engine` returns the engine's state, `chats` the number of open chats."""
    _Holder.instruments = Instruments(meter)

    def states(_: CallbackOptions) -> Iterable[Observation]:
        now = engine()
        return [Observation(int(now.state == state), {"kimi.state": state}) for state in get_args(State)]

    def restarts(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(engine().restarts)]

    def opened(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(chats())]

    meter.create_observable_gauge("kimi.engine.state", [states], "", "1 for the state that the engine is in.")
    meter.create_observable_counter("kimi.engine.restarts", [restarts], "{restart}", "Restarts of the engine.")
    meter.create_observable_gauge("kimi.chats.open", [opened], "{chat}", "Chats that are open in a browser.")


def instruments() -> Instruments:
    """The current instruments; before `set_up` they measure nothing."""
    return _Holder.instruments
