"""Plans for llama.cpp's `llama-server` with the official GGUF of Kimi-VL-A3B-Thinking-2506: the way on a laptop."""

from __future__ import annotations

from engine.catalog import EngineFacts, Variant
from engine.plans import rules
from engine.plans.flags import FlagNames, merge, number
from engine.plans.launch import EngineTraits, ForbiddenError, Guide, LaunchPlan
from engine.plans.page import key_step
from engine.plans.request import Request, verification
from engine.plans.tuning import TUNINGS

NAME = "llama"
TRAITS = EngineTraits(title="llama.cpp", queue_metric="llamacpp:requests_deferred")
FLAGS = FlagNames(length="--ctx-size")
KEY_ENV = "LLAMA_API_KEY"
CHECKED_VERSION = "b11434"


def llama_plan(request: Request) -> LaunchPlan:
    """The launch of `request.model` on llama-server, which fetches the GGUF itself and keeps it in its cache.

    The marks stay in the content, where the page splits them: what llama-server would make of them is not established.

    Raises:
        ForbiddenError: there is no GGUF of the model, or not enough memory.
    """
    facts = request.facts(NAME)
    model, target = request.model, request.target
    gguf = model.variant("gguf")
    if gguf is None:
        raise ForbiddenError(f"The catalogue has no GGUF of {model.name}; {model.stand_in} has one.")
    if target.total_gb is not None and target.total_gb < gguf.memory_gb:
        raise ForbiddenError(
            f"{gguf.repository} needs {gguf.memory_gb:g} GB of memory and {target} has {target.total_gb:.0f} GB."
        )
    if request.variant:
        request.form(NAME)
    request.draft(NAME)
    argv = merge(_argv(request, gguf), [*_slots(request.tuning), *request.extra])
    rules.check(NAME, FLAGS, request, argv)
    return LaunchPlan(
        engine=NAME,
        model=model.name,
        served_name=model.name,
        base_url=f"http://127.0.0.1:{request.place.port}/v1",
        pictures="data",
        traits=TRAITS,
        argv=tuple(argv),
        key_env=KEY_ENV,
        context=number(argv, "--ctx-size"),
        reasons=(
            f"{gguf.quantization} of {gguf.repository}: {gguf.memory_gb:g} GB.",
            request.standing(NAME, 1, gguf),
        ),
        accelerator=str(target),
        guide=Guide(
            image=facts.image,
            container=facts.container,
            steps=() if request.place.here else _steps(facts),
            verify=verification(model.name, request.place.port, KEY_ENV),
            checked=f"every flag is in the argument list of llama-server {CHECKED_VERSION}",
            advice=request.advice(NAME),
        ),
    )


def _argv(request: Request, gguf: Variant) -> list[str]:
    place = request.place
    return [
        str(place.python) if place.here else "llama-server",
        "--hf-repo", f"{gguf.repository}:{gguf.quantization}", "--alias", request.model.name,
        "--host", "127.0.0.1", "--port", str(place.port),
        "--ctx-size", str(gguf.context), "--reasoning-format", "none", "--no-ui", "--no-slots",
    ]  # fmt: skip


def _slots(tuning: str) -> list[str]:
    return ["--parallel", str(TUNINGS[tuning].slots)] if tuning else []


def _steps(facts: EngineFacts) -> tuple[str, ...]:
    return (
        "\n".join((f"# Install {facts.title}", *facts.install)),
        key_step(KEY_ENV),
    )
