"""Plans for SGLang."""

from __future__ import annotations

from engine.catalog import EngineFacts, Model, Recipe, Variant
from engine.plans import rules
from engine.plans.flags import FlagNames, merge, number
from engine.plans.launch import WEIGHTS, EngineTraits, Guide, LaunchPlan
from engine.plans.request import Request, Split, joining, split_over, verification
from engine.plans.tuning import tuning_flags
from engine.wording import both, said

NAME = "sglang"
TRAITS = EngineTraits(title="SGLang", queue_metric="sglang:num_queue_reqs", side_requests=True, caches_prompts=True)
FLAGS = FlagNames("--model-path", "--context-length", "--max-running-requests", "--tp-size")
KEY_ENV = "KIMI_ENGINE_KEY"
CHECKED_VERSION = "0.5.23"
HEAD = "head-node:20000"
_OUR_WORDS = {
    "--max-num-seqs": "--max-running-requests",
    "--max-model-len": "--context-length",
    "--gpu-memory-utilization": "--mem-fraction-static",
    "--max-num-batched-tokens": "--chunked-prefill-size",
}
"""The tunings' names of flags (vLLM's), and SGLang's."""


def sglang_plan(request: Request) -> LaunchPlan:
    """The launch of `request.model` on SGLang.

    Pictures are sent as data: SGLang can't confine `file://` to a folder.

    Raises:
        ForbiddenError: it can't run there.
    """
    facts = request.facts(NAME)
    model, target, place = request.model, request.target, request.place
    variant = request.form(NAME)
    needed = variant.memory_gb if variant else model.memory_gb
    recipes = request.recipes(NAME, variant)
    split = split_over(model, target, needed, recipes)
    argv = _argv(request, split, variant, recipes)
    flags, tuning_reason = tuning_flags(request.tuning, model, _in_our_words(argv))
    argv = merge(merge(argv, [_OUR_WORDS.get(part, part) for part in flags]), request.extra)
    rules.check(NAME, FLAGS, request, argv, needed)
    keyless = "" if place.here else said("sglang_keyless")
    standing = request.standing(NAME, split.tensor, variant)
    reasons = (
        split.reason,
        request.why_draft(NAME),
        standing,
        *(both(recipe.why, recipe.why_zh) for recipe in recipes),
        tuning_reason,
        keyless,
    )
    return LaunchPlan(
        engine=NAME,
        model=model.name,
        served_name=model.name,
        base_url=f"http://127.0.0.1:{place.port}/v1",
        pictures="data",
        traits=TRAITS,
        argv=tuple(argv),
        env=_env(request, recipes),
        key_env=KEY_ENV if place.here else "",
        weights=(request.wanted or model.name) if place.here else "",
        context=number(argv, "--context-length"),
        reasons=tuple(reason for reason in reasons if reason),
        accelerator=str(target),
        guide=Guide(
            image=facts.image,
            container=facts.container,
            steps=() if place.here else _steps(request, facts, variant),
            verify=verification(model.name, place.port, ""),
            workers=tuple(tuple(merge(argv, ["--node-rank", str(rank)])) for rank in range(1, split.nodes)),
            checked=_checked(facts),
            advice=request.advice(NAME),
        ),
    )


def _argv(request: Request, split: Split, variant: Variant | None, recipes: list[Recipe]) -> list[str]:
    model, place = request.model, request.place
    # Our own start passes the key from the environment inside the process.
    start = (
        [str(place.python), "-m", "engine.engines.sglang.start"]
        if place.here
        else ["python", "-m", "sglang.launch_server"]
    )
    weights = WEIGHTS if place.here else _repository(model, variant)
    argv = [
        *start, "--model-path", weights, "--served-model-name", model.name,
        "--host", "127.0.0.1", "--port", str(place.port), "--trust-remote-code",
    ]  # fmt: skip
    if split.tensor > 1:
        argv += ["--tp-size", str(split.tensor * split.nodes)]
    if split.nodes > 1:
        argv += ["--nnodes", str(split.nodes), "--node-rank", "0", "--dist-init-addr", HEAD]
    parsers = request.parsers(NAME)
    argv += ["--reasoning-parser", parsers.reasoning] if parsers.reasoning else []
    argv += ["--tool-call-parser", parsers.tools] if parsers.tools else []
    if model.sequences:
        argv += ["--max-running-requests", str(model.sequences)]
    draft = request.draft(NAME)
    more = [
        variant.flags if variant else (),
        *(split.flags(recipe) for recipe in recipes),
        draft.flags if draft else (),
    ]
    for flags in more:
        argv = merge(argv, flags)
    return argv


def _env(request: Request, recipes: list[Recipe]) -> dict[str, str]:
    env: dict[str, str] = {}
    for part in (*recipes, request.draft(NAME)):
        env |= part.env if part else {}
    return env


def _repository(model: Model, variant: Variant | None) -> str:
    return variant.repository if variant else model.repository


def _in_our_words(argv: list[str]) -> list[str]:
    theirs = {theirs: ours for ours, theirs in _OUR_WORDS.items()}
    return [theirs.get(part, part) for part in argv]


def _steps(request: Request, facts: EngineFacts, variant: Variant | None) -> tuple[str, ...]:
    model = request.model
    install = facts.install or (f"# use its image: {facts.image}",)
    steps = ["\n".join((f"# Install {facts.title}", *install))]
    size = f" ({model.weights_gb:g} GB)" if model.weights_gb and not variant else ""
    steps.append(f"# Fetch the weights{size}\nhf download {_repository(model, variant)}")
    if request.target.nodes > 1:
        steps.append(joining(request.target.vendor, HEAD.partition(":")[0]))
    return tuple(steps)


def _checked(facts: EngineFacts) -> str:
    if facts.version != CHECKED_VERSION:
        return said("unchecked_sglang", version=facts.version, checked=CHECKED_VERSION)
    return said("checked_list", version=CHECKED_VERSION)
