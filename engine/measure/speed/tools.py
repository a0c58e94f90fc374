"""The engines' benchmark programs: their command lines, and what they report.

vLLM's options were read in vLLM 0.32.0, SGLang's in its repository after 0.5.23; both take the key from OPENAI_API_KEY.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.measure.running_engine import Running
from engine.measure.speed.scenarios import Load, Scenario

KEY_ENV = "OPENAI_API_KEY"
_STATISTICS = ("mean", "median", "p99")
_LATENCIES = ("ttft", "tpot", "itl", "e2el")


class NoToolError(Exception):
    """The engine has no benchmark that runs here; the text is one sentence with the next step."""


class ToolFailedError(Exception):
    """The program did not measure; the text says why."""


@dataclass(frozen=True)
class Measured:
    """What came of one scenario at one load. Latencies are in ms: `median_ttft`, `p99_e2el`, … (see `_LATENCIES`)."""

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

    @property
    def same(self) -> tuple[object, ...]:
        """What two measurements have in common that can be compared."""
        return (self.scenario, self.input_len, self.output_len, self.concurrency, self.prompts)


def command(running: Running, scenario: Scenario, load: Load, output: Path, seed: int) -> list[str]:
    """The command line; it holds no key. The program writes what it measures to `output`.

    `seed` draws the prompts. One that the engine has had before would be answered from its prefix cache.

    Raises:
        NoToolError: this engine has none.
    """
    match running.plan.engine:
        case "vllm":
            return _vllm(running, scenario, load, output, seed)
        case "sglang":
            return _sglang(running, scenario, load, output, seed)
        case "reader":
            reason = "The reader generates no tokens, so there is nothing that a serving benchmark could count; "
            raise NoToolError(reason + "start a vision model (KIMI_ENGINE=vllm ./start.sh), then ./start.sh bench.")
        case "llama":
            reason = "llama-server brings no serving benchmark; stop it and run llama.cpp's own llama-bench "
            raise NoToolError(reason + "with the same GGUF.")
        case _:
            reason = f"The server at {running.plan.base_url} is not this machine's; run its engine's benchmark beside "
            raise NoToolError(reason + "it: `vllm bench serve` or `python -m sglang.bench_serving`.")


def _vllm(running: Running, scenario: Scenario, load: Load, output: Path, seed: int) -> list[str]:
    argv = [
        running.plan.argv[0], "-m", "engine.engines.vllm.bench",
        "--backend", "openai-chat", "--base-url", running.root_url, "--endpoint", "/v1/chat/completions",
        "--model", running.weights, "--served-model-name", running.plan.served_name, "--trust-remote-code",
        "--dataset-name", "random-mm" if scenario.picture else "random",
        "--random-input-len", str(scenario.input_len), "--random-output-len", str(scenario.output_len),
        "--num-prompts", str(load.prompts), "--max-concurrency", str(load.concurrency),
        "--temperature", "0", "--seed", str(seed),
        # Both would send the first prompt beforehand, and the prefix cache would answer it when it is measured.
        "--ready-check-timeout-sec", "0", "--num-warmups", "0",
        "--percentile-metrics", ",".join(_LATENCIES), "--metric-percentiles", "99",
        "--save-result", "--result-dir", str(output.parent), "--result-filename", output.name,
    ]  # fmt: skip
    if scenario.picture:
        width, height = scenario.picture
        argv += [
            "--random-mm-base-items-per-request", "1", "--random-mm-num-mm-items-range-ratio", "0",
            "--random-mm-limit-mm-per-prompt", json.dumps({"image": 1, "video": 0}),
            "--random-mm-bucket-config", f"{{({height}, {width}, 1): 1.0}}",
        ]  # fmt: skip
    return argv


def _sglang(running: Running, scenario: Scenario, load: Load, output: Path, seed: int) -> list[str]:
    argv = [
        running.plan.argv[0], "-m", "sglang.bench_serving",
        "--backend", "sglang-oai-chat", "--base-url", running.root_url,
        "--model", running.plan.served_name, "--tokenizer", running.weights,
        # `random` would fetch ShareGPT's conversations for its words.
        "--dataset-name", "image" if scenario.picture else "random-ids",
        "--random-input-len", str(scenario.input_len), "--random-output-len", str(scenario.output_len),
        # With its default, 0, lengths are drawn by lot from one token up.
        "--random-range-ratio", "1",
        "--num-prompts", str(load.prompts), "--max-concurrency", str(load.concurrency), "--request-rate", "inf",
        "--warmup-requests", "0", "--seed", str(seed), "--output-file", str(output),
    ]  # fmt: skip
    if scenario.picture:
        width, height = scenario.picture
        argv += ["--image-count", "1", "--image-resolution", f"{height}x{width}", "--image-format", "jpeg"]
    return argv


def environment(running: Running, base: Mapping[str, str]) -> dict[str, str]:
    """The program's environment: the key, and no proxy between it and this machine."""
    # The tokenizer lies beside the weights; the engine's own settings are not the benchmark's.
    taken = {name: value for name, value in running.plan.env.items() if name.startswith(("HF_", "TRANSFORMERS_"))}
    direct = {"no_proxy": "127.0.0.1,localhost", "NO_PROXY": "127.0.0.1,localhost"}
    kept = {name: value for name, value in base.items() if not name.startswith("OTEL_")}
    return kept | taken | direct | {KEY_ENV: running.key}


def parse(text: str, scenario: Scenario, load: Load, argv: list[str]) -> Measured:
    """What the program wrote, JSON by vLLM or a line of it by SGLang.

    Raises:
        ToolFailedError: it is not what these programs write, or no request was answered.
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
            total_tokens_per_second=float(total), latencies=_latencies(said), command=tuple(argv),
        )  # fmt: skip
    except (ValueError, LookupError, TypeError) as error:
        raise ToolFailedError(f"The benchmark's report can't be read ({error!r}).") from None
    if not completed:
        raise ToolFailedError("The engine answered none of the requests; ./start.sh logs llm tells why.")
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
