"""vLLM's command line and environment, made from plain values."""

import json
from dataclasses import dataclass
from pathlib import Path

from engine.engines.vllm.environment import Accelerator
from engine.engines.vllm.workarounds import ROTARY_WORKAROUND, SERVER_MODULE
from engine.tracing import PROTOCOL

KEY_ENV = "VLLM_API_KEY"
"""The variable from which vLLM reads its key; a command line would show it to every user of the machine."""
NO_REMOTE_MEDIA = "remote-media.invalid"
"""A domain that can't exist: without any allowed domain, vLLM would fetch any URL, even on 127.0.0.1."""
OWN_PARSER = "kimi_vl"
"""The reasoning parser that `plugin.py` registers in vLLM."""


@dataclass(frozen=True)
class VllmLaunch:
    """What to serve, and how much of the machine to use; None leaves a value to vLLM."""

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
    """Whether it is this machine, where the weights are present before the launch."""
    plain: bool = False
    """Whether it is an older vLLM, which gets only the flags of its guides and those that protect the machine."""
    max_model_len: int | None = None
    """Prompt and answer together, in tokens; None: the largest that memory and model allow."""
    max_num_seqs: int | None = None
    gpu_memory_utilization: float | None = None
    kv_cache_bytes: int | None = None
    """KV cache on a CPU, in bytes."""
    reasoning_parser: str | None = OWN_PARSER
    tiny: bool = False
    """Whether the checkpoint has only a few megabytes, like nano: one thread serves it best."""
    traces_endpoint: str | None = None
    """Where to send OpenTelemetry traces."""


def vllm_argv(launch: VllmLaunch) -> list[str]:
    """The command line, which contains no secret."""
    groups = [_command(launch), _serving(launch)]
    # The guides give a model without pictures no media flags.
    if launch.python or launch.pictures_per_prompt:
        groups.append(_media(launch))
    groups += [_usual(launch), _limits(launch), _reasoning(launch)]
    if launch.accelerator == "cpu":
        groups.append(["--enforce-eager", "--compilation-config", json.dumps(ROTARY_WORKAROUND)])
        if launch.tiny:
            groups.append(["--distributed-executor-backend", "uni"])
    return [part for group in groups for part in group]


def vllm_env(launch: VllmLaunch) -> dict[str, str]:
    """What the environment needs besides PATH, HOME and the key (`KEY_ENV`)."""
    env = {}
    if launch.here or launch.reasoning_parser == OWN_PARSER:
        env["PYTHONPATH"] = str(launch.root)  # the parser plugin imports engine.reasoning_tags
    env |= {"VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    if launch.here:
        # The weights are present before the launch, so vLLM needs no network.
        env |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    if launch.tiny:
        # The kernels for multi-head latent attention do not support its small ranks.
        env |= {"VLLM_MLA_DISABLE": "1"}
        if launch.accelerator == "cpu":
            env |= {"OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
            # Runs the worker in the EngineCore's process; otherwise the CPU build gives it its own.
            env |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
    if launch.traces_endpoint:
        # vLLM's default is gRPC. The web process's service name would hide which spans are vLLM's.
        env |= {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": PROTOCOL, "OTEL_SERVICE_NAME": "vllm"}
    return env


def _command(launch: VllmLaunch) -> list[str]:
    if launch.python is None:
        return ["vllm", "serve", str(launch.model)]  # as in its guides
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
        # With 0, the default, SIGTERM waits until the client of every open stream leaves.
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
