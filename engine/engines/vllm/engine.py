"""vLLM."""

from __future__ import annotations

import json
from pathlib import Path

from engine.catalog import Model, find_model
from engine.config import AUTO, ROOT, Settings
from engine.engines.base import Engine, Environment, Proof, Workload, request_here
from engine.engines.vllm.environment import ENVIRONMENT, is_ready, vllm_python
from engine.engines.vllm.log import VllmLog
from engine.engines.vllm.plan import FLAGS, NAME, TRAITS, vllm_plan
from engine.install.weights import is_folder
from engine.machine.detect import Hardware
from engine.machine.vendors import CPU, VENDORS
from engine.nano import NAME as NANO
from engine.plans.launch import LaunchPlan, PlanError
from engine.plans.target import Target, from_hardware


def _here(settings: Settings, hardware: Hardware, model: Model) -> LaunchPlan:
    _check_folder(settings.model)
    targets = from_hardware(hardware)
    accelerated = [target for target in targets if target.vendor != CPU]
    if settings.engine == AUTO and not accelerated and not model.tiny:
        raise PlanError(f"There is no accelerator here that vLLM could run {model.name} on.")
    return _on(accelerated[0] if accelerated and not model.tiny else targets[-1], settings, model)


def _nano_here(settings: Settings, hardware: Hardware) -> LaunchPlan:
    """On the GPU where there is one, which nano does not need, but the model that it replaces does."""
    return _on(from_hardware(hardware)[0], settings, find_model(NANO))


def _on(target: Target, settings: Settings, model: Model) -> LaunchPlan:
    if target.vendor != CPU and not VENDORS[target.vendor].vllm_build:
        raise PlanError(
            f"{target} was found, but this program does not install vLLM for {VENDORS[target.vendor].vllm_title}: "
            "start it as `./start.sh plan --format docker` prints, then use KIMI_ENGINE=openai."
        )
    return vllm_plan(request_here(settings, model, target, str(vllm_python(ROOT))))


def _check_folder(wanted: str) -> None:
    """Raises PlanError for a folder of `KIMI_MODEL` with GGUF files alone: vLLM loads safetensors."""
    folder = Path(wanted).expanduser()
    if not is_folder(wanted) or not any(folder.glob("*.gguf")):
        return
    if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
        raise PlanError(f"{folder} has GGUF files alone; vLLM needs config.json and safetensors: KIMI_ENGINE=llama.")


def bench_command(load: Workload) -> list[str]:
    """The command line of vLLM's own serving benchmark, with the options of vLLM 0.32.0."""
    argv = [
        load.python, "-m", "engine.engines.vllm.bench",
        "--backend", "openai-chat", "--base-url", load.root_url, "--endpoint", "/v1/chat/completions",
        "--model", load.weights, "--served-model-name", load.served_name, "--trust-remote-code",
        "--dataset-name", "random-mm" if load.picture else "random",
        "--random-input-len", str(load.input_len), "--random-output-len", str(load.output_len),
        "--num-prompts", str(load.prompts), "--max-concurrency", str(load.concurrency),
        "--request-rate", "inf" if load.rate is None else f"{load.rate:g}",
        "--temperature", "0", "--seed", str(load.seed),
        # Both would send the first prompt beforehand, and the prefix cache would then speed up the measured one.
        "--ready-check-timeout-sec", "0", "--num-warmups", "0",
        "--percentile-metrics", "ttft,tpot,itl,e2el", "--metric-percentiles", "99",
        "--save-result", "--result-dir", str(load.output.parent), "--result-filename", load.output.name,
    ]  # fmt: skip
    if load.picture:
        width, height = load.picture
        argv += [
            "--random-mm-base-items-per-request", "1", "--random-mm-num-mm-items-range-ratio", "0",
            "--random-mm-limit-mm-per-prompt", json.dumps({"image": 1, "video": 0}),
            "--random-mm-bucket-config", f"{{({height}, {width}, 1): 1.0}}",
        ]  # fmt: skip
    return argv


def _index(settings: Settings) -> list[str]:
    return [settings.vllm_index] if settings.vllm_index else []


def _has_environment(root: Path, build: str, settings: Settings) -> bool:
    return is_ready(root, "cuda" if build == "cuda" else "cpu", settings.vllm_index or None)


VLLM = Engine(
    name=NAME,
    traits=TRAITS,
    here=_here,
    elsewhere=vllm_plan,
    automatic=True,
    flags=FLAGS,
    environment=Environment(ENVIRONMENT, "engine.engines.vllm.environment", _index, _has_environment),
    watcher=VllmLog,
    # Cache usage grows while it processes a long prompt and generates no token.
    work_metrics=("vllm:kv_cache_usage_perc",),
    bench=bench_command,
    proof=Proof(
        _nano_here,
        ("The kernels of multi-head latent attention, which nano is too small for: vLLM runs it without them.",),
    ),
)
