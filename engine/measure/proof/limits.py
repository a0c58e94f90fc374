"""What nano shares with the plan that it replaces, and what it can't prove of it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.catalog import Model
from engine.engines.base import Proof
from engine.machine.vendors import CPU
from engine.plans.flags import number, split, value
from engine.plans.launch import LaunchPlan
from engine.plans.target import GB

_SAME_MODEL_TYPE = "kimi_vl"
"""The architecture that nano has in small."""


@dataclass(frozen=True)
class Shared:
    """The flags of the plan, by what became of them with nano, and the environment that differs."""

    same: tuple[str, ...]
    other_value: tuple[str, ...]
    left_out: tuple[str, ...]
    env: tuple[str, ...]


def compare(plan: LaunchPlan, nano: LaunchPlan) -> Shared:
    """The flags of `plan`, and the environment that nano is started with instead."""
    theirs = {flag[0]: flag[1:] for flag in split(nano.argv[1:])}
    same, other_value, left_out = [], [], []
    for name, *values in split(plan.argv[1:]):
        if not name.startswith("--"):
            continue
        if name not in theirs:
            left_out.append(name)
        elif theirs[name] == tuple(values):
            same.append(name)
        else:
            other_value.append(name)
    env = [f"{name}={text}" for name, text in nano.env.items() if plan.env.get(name) != text]
    return Shared(tuple(same), tuple(other_value), tuple(left_out), tuple(env))


def unproven(plan: LaunchPlan, model: Model, proof: Proof, tensor: str) -> list[str]:
    """Sentences on what the large model may still fail at; `tensor` is the engine's flag for devices per layer."""
    if model.tiny:
        return [f"Anything of a large model: the plan is for {model.name} itself (KIMI_MODEL)."]
    size = sum(file.bytes for form in model.variants if form.name == plan.variant for file in form.files) / GB
    gigabytes = size or model.weights_gb
    weights = f"Its {gigabytes:.1f} GB of weights" if gigabytes else "Its weights"
    found = [
        f"{weights} may not arrive, or not fit into memory: nano has 8 MB.",
        f"How fast {model.title} is, and how well it answers.",
    ]
    if model.model_type != _SAME_MODEL_TYPE:
        found.append(f"{model.title} has another architecture: nano has that of Kimi-VL.")
    if (devices := number(plan.argv, tensor) if tensor else None) and devices > 1:
        found.append(f"That {devices} devices work together: nano runs on one.")
    if quantization := value(plan.argv, "--quantization"):
        found.append(f"The kernels of {quantization}: nano runs in bf16.")
    if plan.accelerator and not plan.accelerator.startswith(CPU.upper()):
        found.append(
            "Nobody has told us of nano on a GPU yet: should it fail where the model itself starts, nano is to blame."
        )
    return [*found, *proof.unproven]
