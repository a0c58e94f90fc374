"""The running engine, for the commands that send it questions."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from engine.config import Settings
from engine.engines.registry import engine_of
from engine.plans.flags import number, value
from engine.plans.launch import LaunchPlan
from engine.status import Status
from engine.supervise import control
from engine.system.local_http import get_json

_PATIENCE = 20.0


class NotRunningError(Exception):
    """There is no running engine; the text is one sentence with the next step."""


@dataclass(frozen=True)
class Running:
    """An engine that answers. `key` is a secret: pass it in a program's environment, never in its arguments."""

    plan: LaunchPlan
    key: str
    context: int | None
    """Prompt and answer together, in tokens; None: it does not report it."""
    version: str
    """The engine's version; empty: it does not report it."""

    @property
    def root_url(self) -> str:
        """Its address without `/v1`."""
        return self.plan.base_url.removesuffix("/").removesuffix("/v1")

    @property
    def weights(self) -> str:
        """The folder of its weights; empty if they are not on this machine."""
        flag = engine_of(self.plan.engine).flags.weights
        return (value(self.plan.argv, flag) or "") if flag else ""

    @property
    def sequences(self) -> int | None:
        """How many requests it works on at once; None: it was started without a limit."""
        flag = engine_of(self.plan.engine).flags.sequences
        return number(self.plan.argv, flag) if flag else None


def find_running(settings: Settings) -> Running:
    """The running engine of this workspace, with what it reports about itself.

    Raises:
        NotRunningError: nothing runs, it is not ready, or it does not answer.
    """
    if control.supervisor(settings.files) is None:
        raise NotRunningError("Nothing runs here; start it with ./start.sh in another shell, and try again.")
    engine = Status.read(settings.files.status).engine
    if engine.state != "ready":
        raise NotRunningError(f"The engine is {engine.state}, not ready; ./start.sh status shows the progress.")
    plan = LaunchPlan.read(settings.files.plan)
    key = settings.files.engine_key.read_text().strip() if plan.argv else os.environ.get("OPENAI_API_KEY", "")
    return ask_about(plan, key)


def ask_about(plan: LaunchPlan, key: str) -> Running:
    """What the engine of `plan` reports about itself.

    Raises:
        NotRunningError: it does not answer.
    """
    try:
        models: list[dict[str, Any]] = get_json(f"{plan.base_url}/models", key, _PATIENCE)["data"]
    except (OSError, ValueError, LookupError) as error:
        reason = f"{plan.base_url} does not answer ({error})"
        raise NotRunningError(f"{reason}; ./start.sh status shows its state.") from None
    held = next((model.get("max_model_len") for model in models if model.get("id") == plan.served_name), None)
    return Running(plan, key, held or plan.context, _version(plan, key))


def _version(plan: LaunchPlan, key: str) -> str:
    try:
        return str(get_json(f"{plan.base_url.removesuffix('/v1')}/version", key, _PATIENCE)["version"])
    except (OSError, ValueError, LookupError, TypeError):
        # Only vLLM has this address.
        return ""
