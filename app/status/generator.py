"""The data of the generator of commands: what there is to choose, what of it fits, and the commands of the choice.

It is `./start.sh plan` for a page: the same choices, plans and sentences.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from app.i18n import Language
from app.status.wish import Wish
from engine.catalog import Model, UnknownNameError, catalog, find_model, models
from engine.config import AUTO
from engine.engines.elsewhere import Choice, plan_choice, target_of
from engine.engines.registry import ENGINES
from engine.engines.vllm.plan import NAME as VLLM
from engine.machine.cards import find_card
from engine.plans.containers import as_compose, docker_on
from engine.plans.formats import heading, node_script
from engine.plans.launch import LaunchPlan, PlanError
from engine.plans.request import PARSED
from engine.plans.tuning import TUNINGS
from engine.wording import in_language

_REMEMBERED = 2048
"""How many plans are kept; one view of the page needs about sixty."""


@dataclass(frozen=True)
class _NoPlan:
    """Why a choice can't work."""

    error: PlanError

    def why(self, language: Language) -> str:
        return in_language(self.error.args[0], language)


def generated(wish: Wish, language: Language) -> dict[str, Any]:
    """Everything that the page shows for a choice. A name that the catalogue has not gives only an `error`."""
    try:
        wish = _known(wish)
    except UnknownNameError as error:
        return {"error": str(error)}
    found = _planned(_choice(wish))
    shown: dict[str, Any] = {
        "query": wish.query(),
        "command": _choice(wish).command(),
        "numbers": _numbers(wish),
        "options": _options(wish, language),
    }
    if isinstance(found, _NoPlan):
        return shown | {"error": found.why(language)}
    return shown | {"plan": _shown(found, language)}


def _known(wish: Wish) -> Wish:
    """The same with the catalogue's own names.

    Raises:
        UnknownNameError: it has one of them not.
    """
    model = find_model(wish.model)
    for given, known in (
        (model.name, [offered.name for offered in _models()]),
        (wish.engine, _engines()),
        (wish.variant, ["", *(variant.name for variant in model.variants)]),
        (wish.tuning, ["", *TUNINGS]),
        *((part, list(PARSED)) for part in wish.without),
    ):
        if given not in known:
            raise UnknownNameError(f"There is no {given!r} to choose here; known are {', '.join(filter(None, known))}.")
    without = tuple(sorted(set(wish.without)))
    return wish.model_copy(
        update={"model": model.name, "accelerator": find_card(wish.accelerator).name, "without": without}
    )


def _models() -> list[Model]:
    return [model for model in models().values() if model.repository]


def _engines() -> list[str]:
    return [AUTO, *(engine.name for engine in ENGINES.values() if engine.elsewhere)]


def _choice(wish: Wish) -> Choice:
    memory = None if wish.memory is None else float(wish.memory)
    return Choice(
        wish.model,
        wish.accelerator,
        wish.count,
        wish.nodes,
        memory,
        wish.engine,
        wish.variant,
        wish.tuning,
        speculative=wish.speculative,
        without=wish.without,
    )


@lru_cache(_REMEMBERED)
def _planned(choice: Choice) -> LaunchPlan | _NoPlan:
    try:
        return plan_choice(choice, find_model(choice.model))
    except PlanError as error:
        # The traceback would keep everything that the attempt has made.
        return _NoPlan(error.with_traceback(None))


def _numbers(wish: Wish) -> dict[str, Any]:
    target = target_of(_choice(wish), find_model(wish.model))
    usual = {"count": target.count, "nodes": 1, "memory": find_card(wish.accelerator).memory_gb}
    return {name: {"value": getattr(wish, name), "usual": value} for name, value in usual.items()}


def _options(wish: Wish, language: Language) -> dict[str, list[dict[str, Any]]]:
    """By what is chosen; each with its part of the address, and why it does not fit with the rest of the choice."""

    def option(name: str, title: str, chosen: bool, **changes: Any) -> dict[str, Any]:
        other = wish.model_copy(update=changes)
        found = _planned(_choice(other))
        why = found.why(language) if isinstance(found, _NoPlan) else ""
        return {"name": name, "title": title, "chosen": chosen, "query": other.query(), "why": why}

    model = find_model(wish.model)
    # Of another model or accelerator nothing is kept that belongs to this one.
    of_model: dict[str, Any] = {"variant": "", "speculative": False}
    of_card: dict[str, Any] = {"variant": "", "count": None, "memory": None}
    return {
        "model": [option(other.name, other.title, other is model, model=other.name, **of_model) for other in _models()],
        "accelerator": [
            option(card.name, card.name, card.name == wish.accelerator, accelerator=card.name, **of_card)
            | {"vendor": card.vendor, "memory": card.memory_gb}
            for card in catalog().accelerators.values()
        ],
        "engine": [
            option(
                name,
                ENGINES[name].traits.title if name in ENGINES else "",
                name == wish.engine,
                engine=name,
                variant="",
            )
            for name in _engines()
        ],
        "variant": [option(name, name, name == wish.variant, variant=name) for name in _variants(model, wish.engine)],
        "tuning": [option(name, name, name == wish.tuning, tuning=name) for name in ("", *TUNINGS)],
        "capability": [
            *(
                option(part, "", part not in wish.without, without=_toggled(wish.without, part))
                for part, kind in PARSED.items()
                if any(getattr(parsers, kind) for parsers in model.parsers.values())
            ),
            option("speculative", "", wish.speculative, speculative=not wish.speculative),
        ],
    }


def _variants(model: Model, engine: str) -> Iterable[str]:
    served_by = VLLM if engine == AUTO else engine
    return dict.fromkeys(["", *(form.name for form in model.variants if form.engine == served_by)])


def _toggled(parts: tuple[str, ...], part: str) -> tuple[str, ...]:
    return tuple(sorted(set(parts) ^ {part}))


def _shown(plan: LaunchPlan, language: Language) -> dict[str, Any]:
    nodes = range(len(plan.guide.workers) + 1)
    scripts = {"shell": [node_script(plan, rank) for rank in nodes]}
    if plan.guide.image:
        scripts |= {"docker": [docker_on(plan, rank) for rank in nodes], "compose": [as_compose(plan)]}
    # A container brings the engine; the other steps are the same.
    first = "\n\n".join(plan.guide.steps[1:])
    return {
        "title": heading(plan),
        "context": plan.context or models()[plan.model].context,
        "reasons": plan.why(language),
        "checked": in_language(plan.guide.checked, language),
        "advice": [in_language(line, language) for line in plan.guide.advice],
        "scripts": scripts,
        "first": first,
        "verify": plan.guide.verify,
        "page": plan.guide.page,
    }
