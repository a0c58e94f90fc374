"""What this machine runs: the requested engine, or under `auto` the first one of the ladder that can run here.

Each engine that was skipped leaves a sentence that says why, so that the user sees what it would need.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from engine.catalog import Model, UnknownModelError, assumed_model, find_model, models
from engine.config import AUTO, Settings
from engine.engines.base import Engine
from engine.engines.reader import READER, reader_plan
from engine.engines.registry import ENGINES
from engine.install.weights import is_folder, weights_bytes
from engine.machine.detect import Hardware
from engine.plans.launch import LaunchPlan, PlanError
from engine.plans.target import GB
from engine.status import Reason
from engine.wording import said


def plan_here(settings: Settings, hardware: Hardware) -> LaunchPlan:
    """The launch on this machine.

    Raises:
        PlanError: the requested engine can't run here; never under `auto`.
    """
    engine = None if settings.engine == AUTO else ENGINES[settings.engine]
    try:
        model = wanted_model(settings.model)
    except UnknownModelError as error:
        if engine is None:
            return replace(reader_plan(settings, "reader.fallback"), failure=Reason.of_text(str(error)))
        if not engine.any_model:
            raise PlanError(str(error)) from None
        model = assumed_model(settings.model)
    if engine is None:
        return reader_plan(settings) if READER.name in model.engines else _climb(settings, hardware, model)
    plan = _on(engine, settings, hardware, model)
    if engine.traits.remote:
        return plan
    return replace(plan, reasons=(said("asked_for", engine=engine.name), *plan.reasons))


def wanted_model(wanted: str) -> Model:
    """The catalogue's entry for the value of `KIMI_MODEL`: a name, or a folder, whose files are inspected.

    Raises:
        UnknownModelError: the catalogue has no such model.
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
    """The model with the memory that these weights need; without weights, unchanged."""
    if not weights or model.weights_gb is None:
        return model
    more = weights / GB - model.weights_gb
    sizes = {"weights_gb": model.weights_gb, "memory_gb": model.memory_gb, "comfortable_gb": model.comfortable_gb}
    return model.model_copy(update={name: None if gb is None else round(gb + more, 3) for name, gb in sizes.items()})


def _model_in(folder: Path) -> Model:
    """By its files: a GGUF of the catalogue; or its type, and its picture limit where several models share the type."""
    for model in models().values():
        if any(form.model_file and (folder / form.model_file.name).is_file() for form in model.variants):
            return model
    said = _json(folder / "config.json").get("model_type")
    limit = _json(folder / "preprocessor_config.json").get("in_token_limit")
    alike = [model for model in models().values() if model.model_type and model.model_type == said]
    alike.sort(key=lambda model: (model.in_token_limit != limit, model.in_token_limit is not None))
    if alike:
        return alike[0]
    kind = said or "no model that its config.json names"
    raise UnknownModelError(f"{folder} contains {kind}; name a folder with one of {', '.join(models())}.")


def _json(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _climb(settings: Settings, hardware: Hardware, model: Model) -> LaunchPlan:
    """Tries the automatic engines in their order, then takes the reader."""
    passed = [*hardware.notes]
    for engine in ENGINES.values():
        if not engine.automatic:
            continue
        try:
            plan = engine.here(settings, hardware, _for_engine(engine, model))
        except PlanError as error:
            passed.append(error.args[0])
        else:
            return replace(plan, note=plan.note or engine.automatic_note, reasons=(*plan.reasons, *passed))
    return reader_plan(settings, "reader.auto", tuple(passed))


def _for_engine(engine: Engine, model: Model) -> Model:
    """The model, or its smaller replacement if the engine can only run that."""
    return find_model(model.stand_in) if model.stand_in and engine.name not in model.engines else model


def _on(engine: Engine, settings: Settings, hardware: Hardware, model: Model) -> LaunchPlan:
    if READER.name in model.engines and not (engine.any_model or engine is READER):
        raise PlanError(f"KIMI_MODEL={model.name} does not run on {engine.name}; choose KIMI_ENGINE={READER.name}.")
    return engine.here(settings, hardware, model)
