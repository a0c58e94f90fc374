"""Plans for SGLang."""

from __future__ import annotations

from engine.catalog import EngineFacts
from engine.plans import rules
from engine.plans.flags import FlagNames, merge, number
from engine.plans.launch import WEIGHTS, EngineTraits, Guide, LaunchPlan
from engine.plans.request import MANY_NODES, Request, Split, question, split_over
from engine.plans.tuning import tuning_flags

NAME = "sglang"
TRAITS = EngineTraits(title="SGLang", queue_metric="sglang:num_queue_reqs")
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
    split = split_over(model, target, model.memory_gb)
    argv = _argv(request, split)
    flags, tuning_reason = tuning_flags(request.tuning, model, _in_our_words(argv))
    argv = merge(merge(argv, [_OUR_WORDS.get(part, part) for part in flags]), request.extra)
    rules.check(NAME, FLAGS, request, argv, model.memory_gb)
    keyless = "" if place.here else "Without a key: SGLang accepts one only on its command line, where ps shows it."
    return LaunchPlan(
        engine=NAME,
        model=model.name,
        served_name=model.name,
        base_url=f"http://127.0.0.1:{place.port}/v1",
        pictures="data",
        traits=TRAITS,
        argv=tuple(argv),
        key_env=KEY_ENV if place.here else "",
        weights=(request.wanted or model.name) if place.here else "",
        context=number(argv, "--context-length"),
        reasons=tuple(
            line for line in (split.reason, request.standing(NAME, split.tensor), tuning_reason, keyless) if line
        ),
        accelerator=str(target),
        guide=Guide(
            image=facts.image,
            container=facts.container,
            steps=() if place.here else _steps(request, facts),
            verify=question(model.name, place.port, ""),
            workers=tuple(tuple(merge(argv, ["--node-rank", str(rank)])) for rank in range(1, split.pipeline)),
            checked=_checked(facts),
            advice=request.advice(NAME),
        ),
    )


def _argv(request: Request, split: Split) -> list[str]:
    model, place = request.model, request.place
    # Our own start passes the key from the environment inside the process.
    start = (
        [str(place.python), "-m", "engine.engines.sglang.start"]
        if place.here
        else ["python", "-m", "sglang.launch_server"]
    )
    argv = [
        *start, "--model-path", WEIGHTS if place.here else model.repository, "--served-model-name", model.name,
        "--host", "127.0.0.1", "--port", str(place.port), "--trust-remote-code",
    ]  # fmt: skip
    if split.tensor > 1:
        argv += ["--tp-size", str(split.tensor * split.pipeline)]
    if split.pipeline > 1:
        argv += ["--nnodes", str(split.pipeline), "--node-rank", "0", "--dist-init-addr", HEAD]
    if parsers := model.parsers.get(NAME):
        argv += ["--reasoning-parser", parsers.reasoning]
        argv += ["--tool-call-parser", parsers.tools] if parsers.tools else []
    if model.sequences:
        argv += ["--max-running-requests", str(model.sequences)]
    return argv


def _in_our_words(argv: list[str]) -> list[str]:
    theirs = {theirs: ours for ours, theirs in _OUR_WORDS.items()}
    return [theirs.get(part, part) for part in argv]


def _steps(request: Request, facts: EngineFacts) -> tuple[str, ...]:
    model = request.model
    install = facts.install or (f"# use its image: {facts.image}",)
    steps = ["\n".join((f"# Install {facts.title}", *install))]
    steps.append(f"# Fetch the weights ({model.weights_gb:g} GB)\nhf download {model.repository}")
    if request.target.nodes > 1:
        steps.append(MANY_NODES.format(head=HEAD.partition(":")[0]).strip())
    return tuple(steps)


def _checked(facts: EngineFacts) -> str:
    if facts.version != CHECKED_VERSION:
        return f"not checked here: it is for SGLang {facts.version}; SGLang {CHECKED_VERSION} has all its flags"
    return f"every flag is in the argument list of SGLang {CHECKED_VERSION}"
