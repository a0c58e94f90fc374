"""Plans for vLLM: on this machine, and on any other as in vLLM's guides."""

from __future__ import annotations

import json
from dataclasses import replace

from engine.catalog import Model, Recipe, Variant
from engine.engines.vllm.launch import KEY_ENV, VllmLaunch, vllm_argv, vllm_env
from engine.engines.vllm.workarounds import VLLM_VERSION
from engine.machine.vendors import CPU, VENDORS
from engine.plans import rules
from engine.plans.flags import FlagNames, merge, number
from engine.plans.launch import WEIGHTS, EngineTraits, ForbiddenError, Guide, LaunchPlan
from engine.plans.page import key_step
from engine.plans.request import Request, Split, joining, split_over, verification
from engine.plans.target import GB, Target
from engine.plans.tuning import tuning_flags
from engine.wording import both, said

NAME = "vllm"
TRAITS = EngineTraits(
    title="vLLM", queue_metric="vllm:num_requests_waiting", tokenizes=True, continues=True, side_requests=True
)
FLAGS = FlagNames("--model", "--max-model-len", "--max-num-seqs", "--tensor-parallel-size")
RESERVE_GB = 4.0
"""RAM that stays free for everything else on a machine that serves from RAM (our choice)."""
USUAL_UTILIZATION = 0.92
"""vLLM's default share of the GPU's memory, which must be free at its start."""
HEAD = "head-node"
DATA_PARALLEL_PORT = 13389
"""Where the groups of several nodes meet, as vllm-ascend's guides have it."""
_MOE_COPY = "-moe"


def vllm_plan(request: Request) -> LaunchPlan:
    """The launch of `request.model` on vLLM.

    Raises:
        ForbiddenError: it can't run there.
    """
    facts = request.facts(NAME)
    model, target = request.model, request.target
    variant = request.form(NAME)
    needed = _needed_gb(model, target, variant)
    recipes = request.recipes(NAME, variant)
    split = split_over(model, target, needed, recipes)
    copied = any(recipe.prepare for recipe in recipes)
    launch = _launch(request, _weights(request, variant, copied), variant)
    argv = merge(vllm_argv(launch), _more_flags(request, variant, recipes, split))
    flags, tuning_reason = tuning_flags(request.tuning, model, argv)
    argv = merge(merge(argv, flags), request.extra)
    rules.check(NAME, FLAGS, request, argv, needed)
    env = _env(launch, variant, recipes)
    standing = request.standing(NAME, split.devices, variant)
    reasons = [
        split.reason,
        request.why_draft(NAME),
        _tight(model, target, variant),
        standing,
        *(both(recipe.why, recipe.why_zh) for recipe in recipes),
        tuning_reason,
    ]
    return LaunchPlan(
        engine=NAME,
        model=model.name,
        served_name=model.name,
        base_url=f"http://127.0.0.1:{request.place.port}/v1",
        pictures="file",
        # On CPUs vLLM switches the cache off for latent attention, whatever the flag says.
        traits=replace(TRAITS, caches_prompts="--enable-prefix-caching" in argv and target.vendor != CPU),
        argv=tuple(argv),
        env=env,
        key_env=KEY_ENV,
        environment=_build(target) if request.place.here else "",
        weights=(request.wanted or model.name) if request.place.here else "",
        context=number(argv, "--max-model-len"),
        note="vllm.untested" if variant and not variant.established else "",
        reasons=tuple(reason for reason in reasons if reason),
        accelerator=str(target),
        guide=Guide(
            image=facts.image,
            container=(*facts.container, *_devices(facts.device, target.count)),
            steps=() if request.place.here else _steps(request, facts.title, facts.install, variant, copied),
            verify=verification(model.name, request.place.port, KEY_ENV),
            workers=_workers(argv, split),
            checked=_checked(target, facts.version, model),
            advice=request.advice(NAME),
        ),
    )


def _build(target: Target) -> str:
    return CPU if target.vendor == CPU else VENDORS[target.vendor].vllm_build


def _tight(model: Model, target: Target, variant: Variant | None) -> str:
    if variant or model.comfortable_gb is None or target.usable_gb is None or target.vendor == CPU:
        return ""
    if target.total_gb == target.usable_gb and target.usable_gb < model.comfortable_gb:
        return said("tight", context=model.context, gb=model.comfortable_gb)
    return ""


def _needed_gb(model: Model, target: Target, variant: Variant | None) -> float | None:
    capability = target.capability()
    if model.precision == "bf16" and capability is not None and capability < 8.0:
        raise ForbiddenError(said("no_bf16", name=target.name, capability=capability))
    if target.vendor == CPU and model.precision != "bf16":
        raise ForbiddenError(said("no_cpu", model=model.name, precision=model.precision))
    if target.vendor == CPU and model.weights_gb:
        return model.memory_gb if model.tiny else model.weights_gb + RESERVE_GB
    return variant.memory_gb if variant else model.memory_gb


def _weights(request: Request, variant: Variant | None, copied: bool) -> str:
    if request.place.here:
        return WEIGHTS
    if copied:
        return f"models/{request.model.name}{_MOE_COPY}"
    if variant and variant.hub:
        return _folder(variant)
    return _repository(request.model, variant)


def _repository(model: Model, variant: Variant | None) -> str:
    return (variant.repository if variant else "") or model.repository or model.local


def _folder(variant: Variant) -> str:
    return f"models/{variant.repository.rpartition('/')[2]}"


def _launch(request: Request, weights: str, variant: Variant | None) -> VllmLaunch:
    model, target, place = request.model, request.target, request.place
    roomy = model.comfortable_gb is not None and (target.usable_gb or 0) >= model.comfortable_gb
    on_cpu = target.vendor == CPU
    return VllmLaunch(
        python=place.python,
        root=place.root,
        model=weights,
        served_name=model.name,
        uploads=place.uploads,
        port=place.port,
        accelerator="cpu" if on_cpu else "cuda",
        pictures_per_prompt=model.pictures_per_prompt,
        here=place.here,
        plain=bool(_plugin(target)),
        max_model_len=model.context if (roomy and not on_cpu) or model.tiny else None,
        max_num_seqs=model.sequences,
        gpu_memory_utilization=_utilization(target),
        kv_cache_bytes=_kv_cache(model, target) if on_cpu or model.tiny else None,
        reasoning_parser=request.parsers(NAME).reasoning or None,
        tiny=model.tiny,
        traces_endpoint=place.traces,
    )


def _more_flags(request: Request, variant: Variant | None, recipes: list[Recipe], split: Split) -> list[str]:
    model = request.model
    flags = ["--served-model-name", model.name, *model.also_served]
    if split.tensor > 1:
        flags += ["--tensor-parallel-size", str(split.tensor)]
        flags += model.flags.get(NAME, ())
    flags += _parallel(split)
    if tools := request.parsers(NAME).tools:
        flags += ["--tool-call-parser", tools, "--enable-auto-tool-choice"]
    if variant:
        flags += variant.flags
    if model.generation:
        flags += ["--override-generation-config", json.dumps(model.generation)]
    for recipe in recipes:
        flags = merge(flags, split.flags(recipe))
    draft = request.draft(NAME)
    return merge(flags, draft.flags) if draft else flags


def _parallel(split: Split) -> list[str]:
    """Over what is beyond one group of devices: requests over groups, else layers over nodes."""
    if split.groups > 1:
        flags = ["--data-parallel-size", str(split.groups * split.nodes)]
        if split.nodes > 1:
            flags += ["--data-parallel-size-local", str(split.groups)]
            flags += ["--data-parallel-address", HEAD, "--data-parallel-rpc-port", str(DATA_PARALLEL_PORT)]
        return flags
    if split.nodes > 1:
        flags = ["--pipeline-parallel-size", str(split.nodes), "--nnodes", str(split.nodes)]
        return [*flags, "--node-rank", "0", "--master-addr", HEAD]
    return []


def _env(launch: VllmLaunch, variant: Variant | None, recipes: list[Recipe]) -> dict[str, str]:
    env = vllm_env(launch)
    if variant:
        env |= variant.env
    for recipe in recipes:
        env |= recipe.env
    return env


def _utilization(target: Target) -> float | None:
    # vLLM does not start if less memory than its share is free, so the share depends on what is free now.
    vendor = VENDORS.get(target.vendor)
    if not (vendor and vendor.vllm_checks_free) or not target.memory_gb or target.free_gb is None:
        return None
    share = int(100 * (target.free_gb / target.memory_gb) - 1) / 100
    return share if share < USUAL_UTILIZATION else None


def _kv_cache(model: Model, target: Target) -> int | None:
    if model.kv_cache_mb is not None:
        return model.kv_cache_mb * 1024**2
    if model.kv_bytes_per_token is None or target.memory_gb is None or model.weights_gb is None:
        return None
    room = int((target.memory_gb - model.weights_gb - RESERVE_GB) * GB)
    return max(0, min(model.context * model.kv_bytes_per_token, room)) or None


def _workers(argv: list[str], split: Split) -> tuple[tuple[str, ...], ...]:
    def place(rank: int) -> list[str]:
        if split.groups > 1:
            return ["--data-parallel-start-rank", str(rank * split.groups)]
        return ["--node-rank", str(rank)]

    return tuple(tuple(merge(argv, [*place(rank), "--headless"])) for rank in range(1, split.nodes))


def _devices(path: str, count: int) -> list[str]:
    if not path:
        return []
    return [part for index in range(count) for part in ("--device", path.format(index=index))]


def _steps(
    request: Request, title: str, install: tuple[str, ...], variant: Variant | None, copied: bool
) -> tuple[str, ...]:
    model = request.model
    folder = f"models/{model.name}"
    steps = ["\n".join((f"# Install {title}", *install))]
    if variant and variant.hub:
        steps.append(
            f"# Fetch the weights\nmodelscope download --model {variant.repository} --local_dir {_folder(variant)}"
        )
    elif model.repository:
        size = f" ({model.weights_gb:g} GB)" if model.weights_gb and not (variant and variant.repository) else ""
        where = f" --local-dir {folder}" if copied else ""
        steps.append(f"# Fetch the weights{size}\nhf download {_repository(model, variant)}{where}")
    if copied:
        parts = f'[ "$(ls {folder}/model-*.safetensors | wc -l)" -eq {model.shards} ]'
        steps += [f"# All parts of the weights must be there\n{parts}"] if model.shards else []
        steps.append(
            "# Make the quantization name the experts, in a copy (only config.json is copied, the rest is linked)\n"
            f"python3 engine/engines/vllm/moe_targets.py {folder} {folder}{_MOE_COPY}"
        )
    if model.pictures_per_prompt:
        steps.append(f"# The only folder whose pictures the engine may read\nmkdir -p {request.place.uploads}")
    if request.target.nodes > 1:
        steps.append(joining(request.target.vendor, HEAD))
    steps.append(key_step(KEY_ENV))
    return tuple(steps)


def _checked(target: Target, version: str, model: Model) -> str:
    minimum = model.min_versions.get(NAME, "")
    if plugin := _plugin(target):
        return said("unchecked_plugin", plugin=plugin, version=version, checked=VLLM_VERSION)
    if minimum and _parts(minimum) > _parts(VLLM_VERSION):
        return said("unchecked_version", model=model.name, minimum=minimum, checked=VLLM_VERSION)
    return said("checked_parser", version=VLLM_VERSION)


def _plugin(target: Target) -> str:
    return VENDORS[target.vendor].vllm_plugin if target.vendor in VENDORS else ""


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
