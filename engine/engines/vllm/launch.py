"""How vLLM is started: its command line and environment, from plain values."""

import json
from dataclasses import dataclass
from pathlib import Path

from engine.engines.vllm.environment import Accelerator
from engine.engines.vllm.workarounds import ROTARY_WORKAROUND, SERVER_MODULE
from engine.tracing import PROTOCOL

KEY_ENV = "VLLM_API_KEY"
"""The variable by which vLLM takes its key; a command line would show it to everybody on the machine."""
NO_REMOTE_MEDIA = "remote-media.invalid"
"""A domain that cannot exist: with no allowed domain at all vLLM fetches any URL, 127.0.0.1 included."""
OWN_PARSER = "kimi_vl"
"""The reasoning parser that `plugin.py` gives to vLLM."""


@dataclass(frozen=True)
class VllmLaunch:
    """What to serve and with how much of the machine; None leaves a value to vLLM."""

    python: Path | None
    """The interpreter of vLLM's environment; None: vLLM's own command, on the PATH."""
    root: Path
    """The project's folder."""
    model: Path | str
    """The weights' folder, or a name in the hub's local cache."""
    served_name: str
    uploads: Path
    """The only folder whose files vLLM reads; it must exist."""
    port: int
    accelerator: Accelerator
    pictures_per_prompt: int
    here: bool = True
    """Whether it is this machine, where the weights are in place before the launch."""
    plain: bool = False
    """Whether it is an older vLLM, which has only the flags that its guides use and those that guard."""
    max_model_len: int | None = None
    """Prompt and answer together, in tokens; None: the largest that memory and model allow."""
    max_num_seqs: int | None = None
    gpu_memory_utilization: float | None = None
    kv_cache_bytes: int | None = None
    """KV cache on a CPU, in bytes."""
    reasoning_parser: str | None = OWN_PARSER
    tiny: bool = False
    """A checkpoint of a few megabytes, like nano: one thread serves it best."""
    traces_endpoint: str | None = None
    """Where to send OpenTelemetry traces."""


def vllm_argv(launch: VllmLaunch) -> list[str]:
    """The command line; it holds no secret."""
    groups = [_command(launch), _serving(launch)]
    # The guides start a model without pictures without a word on them.
    if launch.python or launch.pictures_per_prompt:
        groups.append(_media(launch))
    groups += [_usual(launch), _limits(launch), _reasoning(launch)]
    if launch.accelerator == "cpu":
        groups.append(["--enforce-eager", "--compilation-config", json.dumps(ROTARY_WORKAROUND)])
    if launch.tiny:
        groups.append(["--distributed-executor-backend", "uni"])
    return [part for group in groups for part in group]


def vllm_env(launch: VllmLaunch) -> dict[str, str]:
    """What the environment needs beside PATH, HOME and the key (`KEY_ENV`)."""
    env = {}
    if launch.here or launch.reasoning_parser == OWN_PARSER:
        env["PYTHONPATH"] = str(launch.root)  # the parser plugin imports engine.reasoning_tags
    env |= {"VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    if launch.here:
        # The weights are there before the launch; nothing is to be looked up anywhere.
        env |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    if launch.tiny:
        # Small ranks run only without the kernels for multi-head latent attention.
        env |= {"VLLM_MLA_DISABLE": "1", "OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
        # The worker inside the EngineCore's process: without this variable the CPU build gives it one of its own.
        env |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
    if launch.traces_endpoint:
        # Its own default is gRPC. The page's name would hide whose span is whose.
        env |= {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": PROTOCOL, "OTEL_SERVICE_NAME": "vllm"}
    return env


def _command(launch: VllmLaunch) -> list[str]:
    if launch.python is None:
        return ["vllm", "serve", str(launch.model)]  # as its guides have it
    # `vllm` does not start in the CPU build.
    return [str(launch.python), "-m", SERVER_MODULE, "--model", str(launch.model)]


def _serving(launch: VllmLaunch) -> list[str]:
    return [
        "--served-model-name", launch.served_name,
        "--host", "127.0.0.1", "--port", str(launch.port),
        "--trust-remote-code",
        "--max-model-len", str(launch.max_model_len or "auto"),
    ]  # fmt: skip


def _media(launch: VllmLaunch) -> list[str]:
    return [
        "--allowed-local-media-path", str(launch.uploads),
        "--allowed-media-domains", NO_REMOTE_MEDIA,
        "--limit-mm-per-prompt", json.dumps({"image": launch.pictures_per_prompt}),
    ]  # fmt: skip


def _usual(launch: VllmLaunch) -> list[str]:
    if launch.plain:
        return ["--enable-prefix-caching"]
    return [
        "--enable-prompt-tokens-details",
        "--enable-prefix-caching",
        "--no-enable-log-requests",
        "--disable-uvicorn-access-log",
        # With 0, the default, a SIGTERM waits for every open stream's client to leave.
        "--shutdown-timeout", "10",
    ]  # fmt: skip


def _limits(launch: VllmLaunch) -> list[str]:
    given = {
        "--max-num-seqs": launch.max_num_seqs,
        "--gpu-memory-utilization": launch.gpu_memory_utilization,
        "--kv-cache-memory-bytes": launch.kv_cache_bytes,
        "--otlp-traces-endpoint": launch.traces_endpoint,
    }
    return [part for flag, value in given.items() if value is not None for part in (flag, str(value))]


def _reasoning(launch: VllmLaunch) -> list[str]:
    if not launch.reasoning_parser:
        return []
    flags = ["--reasoning-parser", launch.reasoning_parser]
    if launch.reasoning_parser == OWN_PARSER:
        flags += ["--reasoning-parser-plugin", str(launch.root / "engine" / "engines" / "vllm" / "plugin.py")]
    return flags
