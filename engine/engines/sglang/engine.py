"""SGLang."""

from __future__ import annotations

from engine.catalog import Model
from engine.config import Settings
from engine.engines.base import Engine, Workload, request_here
from engine.engines.sglang.plan import FLAGS, NAME, TRAITS, sglang_plan
from engine.machine.detect import Hardware
from engine.plans.launch import LaunchPlan, PlanError
from engine.plans.target import from_hardware


def _here(settings: Settings, hardware: Hardware, model: Model) -> LaunchPlan:
    if hardware.sglang_python is None:
        raise PlanError("SGLang is not on the PATH; install it as `./start.sh plan --engine sglang` shows.")
    return sglang_plan(request_here(settings, model, from_hardware(hardware)[0], hardware.sglang_python))


def bench_command(load: Workload) -> list[str]:
    """The command line of SGLang's own serving benchmark, with the options of its repository after 0.5.23."""
    argv = [
        load.python, "-m", "sglang.bench_serving",
        "--backend", "sglang-oai-chat", "--base-url", load.root_url,
        "--model", load.served_name, "--tokenizer", load.weights,
        # `random` would download ShareGPT's conversations for its words.
        "--dataset-name", "image" if load.picture else "random-ids",
        "--random-input-len", str(load.input_len), "--random-output-len", str(load.output_len),
        # With the default, 0, lengths are random, from one token up.
        "--random-range-ratio", "1",
        "--num-prompts", str(load.prompts), "--max-concurrency", str(load.concurrency),
        "--request-rate", "inf" if load.rate is None else f"{load.rate:g}",
        "--warmup-requests", "0", "--seed", str(load.seed), "--output-file", str(load.output),
    ]  # fmt: skip
    if load.picture:
        width, height = load.picture
        argv += ["--image-count", "1", "--image-resolution", f"{height}x{width}", "--image-format", "jpeg"]
    return argv


SGLANG = Engine(name=NAME, traits=TRAITS, here=_here, elsewhere=sglang_plan, flags=FLAGS, bench=bench_command)
