"""Plans for llama.cpp's `llama-server` with the official GGUF of Kimi-VL-A3B-Thinking-2506: the way on a laptop."""

from __future__ import annotations

import math
from pathlib import Path

from engine.catalog import EngineFacts, Variant
from engine.engines.llama.layers import Placement, place
from engine.engines.llama.memory import memory_flags
from engine.machine.vendors import CPU
from engine.plans import rules
from engine.plans.flags import FlagNames, merge, number
from engine.plans.launch import WEIGHTS, EngineTraits, ForbiddenError, Guide, LaunchPlan
from engine.plans.page import key_step
from engine.plans.request import Request, verification
from engine.plans.tuning import TUNINGS
from engine.wording import said

NAME = "llama"
TRAITS = EngineTraits(
    title="llama.cpp",
    queue_metric="llamacpp:requests_deferred",
    continues=True,
    repeats_beginning=True,
    caches_prompts=True,
)
FLAGS = FlagNames(length="--ctx-size")
KEY_ENV = "LLAMA_API_KEY"
CHECKED_VERSION = "b11524"
VARIANT = "gguf"
PATCH = 14
"""Pixels of a patch's side; MoonViT makes one token of 2 by 2 patches."""
TOKEN_PIXELS = (2 * PATCH) ** 2
MOST_PATCHES = 512
"""On a side, exclusive."""
SLOTS = 4
"""Requests at once, which share one context."""
_SPARE_GB = 2.0
"""What stays free for everything else before prompts are kept in RAM."""
_FOR_FLASH = frozenset(
    {
        "--cache-type-v",
        "-ctv",
        "--cache-type-k",
        "-ctk",
        "--ctx-size",
        "-c",
        "--ubatch-size",
        "-ub",
        "--flash-attn",
        "-fa",
    }
)
"""Flags of a user's own after which attention stays as llama-server has it."""
_TOKENS_PER_CORE = 20
"""Tokens of a prompt that a core reads in a second: an estimate, from a model of these dimensions on two cores."""


def llama_plan(request: Request) -> LaunchPlan:
    """The launch of `request.model` on llama-server.

    The marks stay in the content, where the page splits them.

    Raises:
        ForbiddenError: there is no GGUF of the model, or not enough memory.
    """
    model, target = request.model, request.target
    gguf = model.variant(VARIANT)
    if gguf is None:
        key = "no_gguf_but" if model.stand_in else "no_gguf"
        raise ForbiddenError(said(key, model=model.name, engine=NAME, other=model.stand_in))
    facts = request.facts(NAME)
    placed = place(model, gguf, target)
    if placed is None and target.total_gb is not None and target.total_gb < gguf.memory_gb:
        what = gguf.repository or model.name
        raise ForbiddenError(said("gguf_small", what=what, needed=gguf.memory_gb, target=target, have=target.total_gb))
    if request.variant:
        request.form(NAME)
    request.draft(NAME)
    patches = picture_patches(request, gguf)
    argv = merge(_argv(request, gguf, patches, placed), [*_slots(request.tuning), *request.extra])
    rules.check(NAME, FLAGS, request, argv)
    return LaunchPlan(
        engine=NAME,
        model=model.name,
        served_name=model.name,
        base_url=f"http://127.0.0.1:{request.place.port}/v1",
        pictures="data",
        traits=TRAITS,
        picture_patches=patches,
        picture_pixels=None if gguf.picture_patches else min(model.picture_pixels, patches * PATCH**2),
        argv=tuple(argv),
        env=dict(QUIET_THREADS),
        key_env=KEY_ENV,
        weights=(request.wanted or model.name) if request.place.here else "",
        variant=VARIANT,
        finish="engine.engines.llama.finish",
        context=number(argv, "--ctx-size"),
        reasons=tuple(filter(None, _reasons(request, gguf, patches, placed))),
        accelerator=str(target),
        guide=Guide(
            image=facts.image,
            container=facts.container,
            steps=() if request.place.here else _steps(request, facts, gguf),
            verify=verification(model.name, request.place.port, KEY_ENV),
            checked=said("checked_help", version=CHECKED_VERSION),
            advice=request.advice(NAME),
        ),
    )


QUIET_THREADS = {"GOMP_SPINCOUNT": "100"}
"""OpenMP's threads wait for work asleep, after a moment: spinning, they take the time of the page beside them."""


def picture_patches(request: Request, gguf: Variant) -> int:
    """To how many patches a picture is scaled: the processor's limit, or what a person has chosen within it."""
    if gguf.picture_patches is not None:
        return gguf.picture_patches
    return min(4 * request.picture_tokens, request.model.picture_pixels // PATCH**2)


def most_picture_tokens(patches: int) -> int:
    """What no picture exceeds that is scaled to so many patches, and padded to whole blocks of 2 by 2.

    The processor counts whole patches: what is left of a long, narrow picture after the scaling may be more, and a side
    that is scaled to less than a patch is padded to two.
    """
    longest = MOST_PATCHES - 1
    short = max(1, patches // longest)
    area = patches * (1 + 1 / short) * (1 + short / patches)
    side = min(longest, area)
    thin = math.sqrt(patches * longest) / 2 + 1
    return int(max(area / 4 + (side + area / side) / 2 + 1, thin))


def _argv(request: Request, gguf: Variant, patches: int, placed: Placement | None) -> list[str]:
    place = request.place
    model, mmproj = _files(request, gguf)
    return [
        str(place.python) if place.here else "llama-server",
        "--model", model, "--mmproj", mmproj, "--alias", request.model.name,
        "--host", "127.0.0.1", "--port", str(place.port),
        "--ctx-size", str(gguf.context), "--parallel", str(SLOTS), "--kv-unified",
        *_memory(request, gguf, patches, placed),
        *(["--gpu-layers", str(placed.on_gpu)] if placed else []),
        "--image-min-tokens", "1", "--image-max-tokens", str(most_picture_tokens(patches)),
        *(["--threads", str(max(1, place.cores - 1))] if place.cores else []),
        "--reasoning-format", "none", "--metrics", "--offline", "--no-ui", "--no-slots",
    ]  # fmt: skip


def _files(request: Request, gguf: Variant) -> tuple[str, str]:
    """The two files that are loaded: the model's as it came, the picture encoder's as llama.cpp reads it."""
    made = made_folder(request.place.models)
    if gguf.model_file is None:
        return str(made / f"{request.model.name}.gguf"), str(made / mmproj_name(request.model.name))
    folder = WEIGHTS if request.place.here else str(_folder(request, gguf))
    return f"{folder}/{gguf.model_file.name}", str(made / mmproj_name(request.model.name))


def made_folder(models: Path) -> Path:
    """Where the files lie that are made here for llama.cpp."""
    return models / "llama.cpp"


def mmproj_name(model: str) -> str:
    """The file of the picture encoder there."""
    return f"{model}-mmproj.gguf"


def _folder(request: Request, gguf: Variant) -> Path:
    return request.place.models / f"{request.model.name}-{gguf.name}"


def _memory(request: Request, gguf: Variant, patches: int, placed: Placement | None) -> list[str]:
    have, taken = (request.target.ram_gb, placed.ram_gb) if placed else (request.target.total_gb, gguf.memory_gb)
    if have is None:
        return []
    context = gguf.context or request.model.context
    # Plain attention takes no cache in fewer bits, and more memory for a longer context or larger batches.
    plain = request.target.vendor == CPU and not any(flag in _FOR_FLASH for flag in request.extra)
    return memory_flags(have - taken - _SPARE_GB, context, patches, plain_fits=plain)


def _slots(tuning: str) -> list[str]:
    return ["--parallel", str(TUNINGS[tuning].slots)] if tuning else []


def _reasons(request: Request, gguf: Variant, patches: int, placed: Placement | None) -> tuple[str, ...]:
    form = {"quantization": gguf.quantization, "repository": gguf.repository, "gb": gguf.memory_gb}
    size = said("gguf_size", **form) if gguf.repository else ""
    where = placed.reason if placed and gguf.repository else ""
    whole = placed is None or placed.on_gpu == placed.of
    standing = request.standing(NAME, request.target.count, gguf) if whole else ""
    return size, where, standing, _cost(request, gguf, patches)


def _cost(request: Request, gguf: Variant, patches: int) -> str:
    """What a picture costs, where a person can choose."""
    if gguf.picture_patches is not None:
        return ""
    tokens, most = patches // 4, request.model.picture_pixels // TOKEN_PIXELS
    if request.target.vendor != CPU:
        return said("picture_tokens", tokens=tokens, most=most)
    cores = max(1, (request.place.cores or 5) - 1)
    seconds = tokens / (_TOKENS_PER_CORE * cores)
    key = "picture_seconds" if cores > 1 else "picture_seconds_one"
    return said(key, tokens=tokens, seconds=seconds, cores=cores, most=most)


def _steps(request: Request, facts: EngineFacts, gguf: Variant) -> tuple[str, ...]:
    steps = ["\n".join((f"# Install {facts.title}", *facts.install))]
    if gguf.model_file and gguf.mmproj_file:
        files, folder, made = (gguf.model_file, gguf.mmproj_file), _folder(request, gguf), made_folder(Path("models"))
        gigabytes = sum(file.bytes for file in files) / 1000**3
        copy = made / mmproj_name(request.model.name)
        steps += [
            f"# Fetch the weights ({gigabytes:.1f} GB)\nhf download {gguf.repository} --revision {gguf.revision} "
            f"{' '.join(file.name for file in files)} --local-dir {folder}",
            "# Have llama.cpp see as the model means it: docs/llama.md\n"
            f"mkdir -p {made}\npython3 -m engine.engines.llama.rotary {folder}/{files[1].name} {copy}",
        ]
    else:
        module = "engine.engines.llama.finish"
        steps.append(f"# Write it in llama.cpp's format\n.venv/bin/python -m {module} {request.model.name} . models")
    return (*steps, key_step(KEY_ENV))
