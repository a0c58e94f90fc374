"""A server with OpenAI's API that the user provides: nothing is started."""

from __future__ import annotations

from engine.catalog import Model
from engine.config import Settings
from engine.engines.base import Engine
from engine.machine.detect import Hardware
from engine.plans.launch import EngineTraits, Guide, LaunchPlan

NAME = "openai"
TRAITS = EngineTraits(title="Remote server", title_zh="远程服务", remote=True)


def remote_plan(settings: Settings, _: Hardware, model: Model) -> LaunchPlan:
    """The plan for the server at `OPENAI_API_BASE`."""
    return LaunchPlan(
        engine=NAME,
        traits=TRAITS,
        model=model.name,
        served_name=settings.model,
        base_url=settings.openai_api_base.rstrip("/"),
        pictures=settings.pictures,
        key_env="OPENAI_API_KEY",
        reasons=(f"KIMI_ENGINE={NAME}: the answers come from {settings.openai_api_base}.",),
        guide=Guide(checked="nothing is started here"),
    )


REMOTE = Engine(
    name=NAME,
    traits=TRAITS,
    here=remote_plan,
    any_model=True,
    no_bench=(
        "The server at {url} is not started by this program; run its engine's benchmark where it runs: "
        "`vllm bench serve` or `python -m sglang.bench_serving`."
    ),
)
