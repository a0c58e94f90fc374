"""How many layers of a GGUF go to a GPU without room for all; the processor runs the others, in RAM."""

from __future__ import annotations

from dataclasses import dataclass

from engine.catalog import Model, Variant
from engine.machine.vendors import CPU
from engine.plans.launch import ForbiddenError
from engine.plans.target import GB, Target
from engine.wording import said

BUFFERS_GB = 1.0
"""What llama.cpp works in on each GPU (ours)."""
FREE_GB = 0.5
"""What each GPU keeps for the screen and everything else (ours)."""
RAM_GB = 2.0
"""What llama.cpp and the page take in RAM beside layers (ours)."""


@dataclass(frozen=True)
class Placement:
    """Where the layers are. The output counts as one more, as llama.cpp counts it."""

    on_gpu: int
    of: int
    ram_gb: float
    """RAM that the layers which stay there take, and everything else beside them."""
    reason: str


def place(model: Model, gguf: Variant, target: Target) -> Placement | None:
    """As many layers on the GPUs as fit; None: the model is planned for the processor alone.

    Raises:
        ForbiddenError: the GPUs have no room for one layer, or the RAM none for the others.
    """
    if target.vendor == CPU or target.usable_gb is None or gguf.layers is None:
        return None
    encoder = gguf.mmproj_file.bytes / GB if gguf.mmproj_file else 0.0
    weights = gguf.model_file.bytes / GB if gguf.model_file else model.weights_gb or 0.0
    cache = (gguf.context or 0) * (model.kv_bytes_per_token or 0) / GB
    units = gguf.layers + 1
    each = (weights + cache) / units
    room = target.count * (target.usable_gb - BUFFERS_GB - FREE_GB) - encoder
    on_gpu = min(units, int(room / each)) if room > 0 else 0
    if on_gpu == 0:
        first = {"encoder": encoder, "work": BUFFERS_GB + FREE_GB}
        raise ForbiddenError(said("no_layer", target=target, model=model.name, **first))
    ram = (units - on_gpu) * each + RAM_GB
    if target.ram_gb is not None and target.ram_gb < ram:
        layers = {"on_gpu": on_gpu, "units": units, "model": model.name, "target": target}
        raise ForbiddenError(said("layers_ram", ram=ram, have=target.ram_gb, **layers))
    figures = {"each": each, "encoder": encoder, "buffers": BUFFERS_GB, "free": FREE_GB, "size": target.usable_gb}
    counts = {"on_gpu": on_gpu, "units": units, "gpus": target.count, "rest": units - on_gpu, "ram": ram}
    how = "" if target.free_gb is None else "_free"
    where = said(f"layers_{'many' if target.count > 1 else 'one'}{how}", **figures, **counts)
    if on_gpu < units:
        where = said("layers_split", where=where, **counts)
    return Placement(on_gpu, units, ram, where)
