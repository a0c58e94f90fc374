"""The engines' benchmark programs: their command lines and their reports.

Both programs, vLLM's and SGLang's, read the key from OPENAI_API_KEY.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.engines.base import Workload
from engine.engines.registry import engine_of
from engine.measure.running_engine import Running
from engine.measure.speed.scenarios import Load, Scenario
from engine.system.outgoing import masked

KEY_ENV = "OPENAI_API_KEY"
_STATISTICS = ("mean", "median", "p99")
_LATENCIES = ("ttft", "tpot", "itl", "e2el")


class NoToolError(Exception):
    """The engine has no benchmark that runs here; the text is one sentence with the next step."""


class ToolFailedError(Exception):
    """The program failed; the text says why."""


@dataclass(frozen=True)
class Measured:
    """The result of one scenario at one load. Latencies are in ms: `median_ttft`, `p99_e2el`, … (see `_LATENCIES`)."""

    scenario: str
    input_len: int
    output_len: int
    picture: tuple[int, int] | None
    concurrency: int
    prompts: int
    completed: int
    seconds: float
    requests_per_second: float
    output_tokens_per_second: float
    total_tokens_per_second: float
    latencies: dict[str, float]
    command: tuple[str, ...]
    rate: float | None = None
    """Requests that began in a second; None: each as soon as there was room."""

    @property
    def same(self) -> tuple[object, ...]:
        """The key that comparable measurements have in common."""
        return (self.scenario, self.input_len, self.output_len, self.concurrency, self.prompts, self.rate)


def command(running: Running, scenario: Scenario, load: Load, output: Path, seed: int) -> list[str]:
    """The command line, without a key. The program writes its report to `output`.

    `seed` draws the prompts: the engine would answer a repeated one from its prefix cache.

    Raises:
        NoToolError: this engine has no benchmark.
    """
    engine = engine_of(running.plan.engine)
    if engine.bench is None:
        raise NoToolError(engine.no_bench.format(url=masked(running.plan.base_url)))
    workload = Workload(
        python=running.plan.argv[0], root_url=running.root_url, weights=running.weights,
        served_name=running.plan.served_name, input_len=scenario.input_len, output_len=scenario.output_len,
        picture=scenario.picture, prompts=load.prompts, concurrency=load.concurrency, rate=load.rate,
        seed=seed, output=output,
    )  # fmt: skip
    return engine.bench(workload)


def environment(running: Running, base: Mapping[str, str]) -> dict[str, str]:
    """The program's environment: the key, and no proxy between it and this machine."""
    # The tokenizer is next to the weights; the engine's other settings do not concern the benchmark.
    taken = {name: value for name, value in running.plan.env.items() if name.startswith(("HF_", "TRANSFORMERS_"))}
    direct = {"no_proxy": "127.0.0.1,localhost", "NO_PROXY": "127.0.0.1,localhost"}
    kept = {name: value for name, value in base.items() if not name.startswith("OTEL_")}
    return kept | taken | direct | {KEY_ENV: running.key}


def parse(text: str, scenario: Scenario, load: Load, argv: list[str]) -> Measured:
    """The program's report: a JSON file by vLLM, or a line of JSON by SGLang.

    Raises:
        ToolFailedError: the report can't be read, or no request was answered.
    """
    try:
        said: dict[str, Any] = json.loads(text.strip().splitlines()[-1])
        completed = int(said["completed"])
        total = said["total_token_throughput"] if "total_token_throughput" in said else said["total_throughput"]
        measured = Measured(
            scenario=scenario.name, input_len=scenario.input_len, output_len=scenario.output_len,
            picture=scenario.picture, concurrency=load.concurrency, prompts=load.prompts,
            completed=completed, seconds=float(said["duration"]),
            requests_per_second=float(said["request_throughput"]),
            output_tokens_per_second=float(said["output_throughput"]),
            total_tokens_per_second=float(total), latencies=_latencies(said), command=tuple(argv), rate=load.rate,
        )  # fmt: skip
    except (ValueError, LookupError, TypeError) as error:
        raise ToolFailedError(f"The benchmark's report can't be read ({error!r}).") from None
    if not completed:
        raise ToolFailedError("The engine answered none of the requests; ./start.sh logs llm shows why.")
    return measured


def _latencies(said: dict[str, Any]) -> dict[str, float]:
    found = {}
    for statistic in _STATISTICS:
        for latency in _LATENCIES:
            theirs = {"e2el": "e2e_latency"}.get(latency, latency)  # SGLang's word
            value = said.get(f"{statistic}_{latency}_ms", said.get(f"{statistic}_{theirs}_ms"))
            if value is not None:
                found[f"{statistic}_{latency}"] = float(value)
    return found
