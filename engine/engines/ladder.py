"""What this machine runs: the engine that was asked for, or under `auto` the highest rung of the ladder that holds it.

Each rung that was passed over leaves a sentence why, so that a person sees what would bring the next one.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

from engine.catalog import Model, UnknownModelError, find_model, models
from engine.config import ROOT, Settings
from engine.engines.llama.plan import llama_plan
from engine.engines.reader import reader_plan, stand_in
from engine.engines.sglang.plan import sglang_plan
from engine.engines.vllm.environment import vllm_python
from engine.engines.vllm.plan import vllm_plan
from engine.install.weights import is_folder, weights_bytes
from engine.machine.detect import Hardware
from engine.plans.launch import LaunchPlan, PlanError
from engine.plans.request import Place, Request
from engine.plans.target import GB, Target, from_hardware
from engine.tracing import engine_traces

_READY_MADE = {"amd": "ROCm", "ascend": "Ascend"}


def plan_here(settings: Settings, hardware: Hardware) -> LaunchPlan:
    """The launch on this machine.

    Raises:
        PlanError: an engine was asked for that can't run here; never under `auto`.
    """
    try:
        model = wanted_model(settings.model)
    except UnknownModelError as error:
        if settings.engine == "openai":
            return _remote(settings, settings.model)
        if reader := stand_in(settings, str(error)):
            return reader
        raise PlanError(str(error)) from None
    match settings.engine:
        case "openai":
            return _remote(settings, model.name)
        case "reader":
            return reader_plan(settings, reasons=("KIMI_ENGINE=reader asks for it.",))
        case "auto":
            return reader_plan(settings) if model.name == "reader" else _climb(settings, hardware, model)
        case asked:
            plan = _on(asked, settings, hardware, model)
            return replace(plan, reasons=(f"KIMI_ENGINE={asked} asks for it.", *plan.reasons))


def wanted_model(wanted: str) -> Model:
    """The catalogue's entry for what `KIMI_MODEL` says: a name, or a folder that is looked into.

    Raises:
        UnknownModelError: the catalogue has nothing like it.
    """
    if not is_folder(wanted):
        return find_model(wanted)
    folder = Path(wanted).expanduser()
    try:
        model = find_model(folder.resolve().name)
    except UnknownModelError:
        model = _model_in(folder)
    return _sized(model, weights_bytes(folder))


def _sized(model: Model, weights: int) -> Model:
    """The model with the memory that these weights need; without any, as the catalogue has it."""
    if not weights or model.weights_gb is None:
        return model
    more = weights / GB - model.weights_gb
    sizes = {"weights_gb": model.weights_gb, "memory_gb": model.memory_gb, "comfortable_gb": model.comfortable_gb}
    return model.model_copy(update={name: None if gb is None else round(gb + more, 3) for name, gb in sizes.items()})


def _model_in(folder: Path) -> Model:
    """By what the folder's files say; Kimi-VL has two picture limits, by which its releases are told apart."""
    config = _json(folder / "config.json")
    limit = _json(folder / "preprocessor_config.json").get("in_token_limit")
    match config.get("model_type"):
        case "kimi_vl":
            return find_model("Kimi-VL-A3B-Thinking-2506" if limit == 16384 else "Kimi-VL-A3B-Thinking")
        case "kimi_k25":
            return find_model("Kimi-K2.5")
        case "kimi_k2":
            return find_model("Kimi-K2-Thinking")
    kind = config.get("model_type", "no model that its config.json tells")
    raise UnknownModelError(f"{folder} holds {kind}; name a folder with one of {', '.join(models())}.")


def _json(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _climb(settings: Settings, hardware: Hardware, model: Model) -> LaunchPlan:
    """vLLM on the accelerators, then llama-server with the model's GGUF, then the reader."""
    passed = [*hardware.notes]
    for engine in ("vllm", "llama"):
        try:
            plan = _on(engine, settings, hardware, _on_rung(engine, model))
        except PlanError as error:
            passed.append(str(error))
        else:
            note = plan.note or ("llama.auto" if engine == "llama" else "")
            return replace(plan, note=note, reasons=(*plan.reasons, *passed))
    return reader_plan(settings, "reader.auto", tuple(passed))


def _on_rung(engine: str, model: Model) -> Model:
    return find_model(model.stand_in) if engine == "llama" and model.stand_in else model


def _on(engine: str, settings: Settings, hardware: Hardware, model: Model) -> LaunchPlan:
    if model.name == "reader":
        raise PlanError(f"KIMI_MODEL=reader does not run on {engine}; choose KIMI_ENGINE=reader.")
    match engine:
        case "vllm":
            return _vllm(settings, hardware, model)
        case "llama":
            return _llama(settings, hardware, model)
        case _:
            return _sglang(settings, hardware, model)


def _vllm(settings: Settings, hardware: Hardware, model: Model) -> LaunchPlan:
    targets = from_hardware(hardware)
    accelerated = [target for target in targets if target.vendor != "cpu"]
    if settings.engine == "auto" and not accelerated and model.name != "nano":
        raise PlanError(f"There is no accelerator here that vLLM could run {model.name} on.")
    target = accelerated[0] if accelerated and model.name != "nano" else targets[-1]
    if target.vendor in _READY_MADE:
        raise PlanError(
            f"{target} was found, but vLLM for {_READY_MADE[target.vendor]} is not installed by this program: "
            "start it as `./start.sh plan --format docker` prints, then use KIMI_ENGINE=openai."
        )
    return vllm_plan(_request(settings, hardware, model, target, str(vllm_python(ROOT))))


def _llama(settings: Settings, hardware: Hardware, model: Model) -> LaunchPlan:
    if hardware.llama_server is None:
        raise PlanError(
            "llama-server is not on the PATH; with it and 15 GB of memory the vision model would run here, slowly."
        )
    targets = [target for target in from_hardware(hardware) if target.vendor in {"nvidia", "cpu"}]
    # What does not fit into the GPU stays in RAM: the larger of the two decides.
    target = max(targets, key=lambda target: target.total_gb or 0)
    return llama_plan(_request(settings, hardware, model, target, hardware.llama_server))


def _sglang(settings: Settings, hardware: Hardware, model: Model) -> LaunchPlan:
    if hardware.sglang_python is None:
        raise PlanError("SGLang is not on the PATH; install it as `./start.sh plan --engine sglang` tells.")
    return sglang_plan(_request(settings, hardware, model, from_hardware(hardware)[0], hardware.sglang_python))


def _request(settings: Settings, hardware: Hardware, model: Model, target: Target, python: str) -> Request:
    traces = engine_traces(os.environ)
    place = Place(
        settings.engine_port, ROOT, settings.files.uploads, Path(python), here=True, models=settings.models_folder,
        cores=hardware.physical_cores, traces=traces,
    )  # fmt: skip
    return Request(model, target, place, settings.preset, wanted=settings.model, picture_tokens=settings.picture_tokens)


def _remote(settings: Settings, model: str) -> LaunchPlan:
    """An OpenAI-compatible server of the person's own: nothing is started."""
    return LaunchPlan(
        engine="openai",
        model=model,
        served_name=settings.model,
        base_url=settings.openai_api_base.rstrip("/"),
        pictures=settings.pictures,
        key_env="OPENAI_API_KEY",
        reasons=(f"KIMI_ENGINE=openai: the answers come from {settings.openai_api_base}.",),
        checked="nothing is started here",
    )
