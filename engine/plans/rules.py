"""Rejects combinations that can't work, checked on the finished command line."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from engine.catalog import Model, catalog
from engine.plans.flags import FlagNames, number, split, value
from engine.plans.launch import ForbiddenError
from engine.plans.request import Request
from engine.plans.target import Target


def check(engine: str, names: FlagNames, request: Request, argv: Sequence[str], needed_gb: float | None = None) -> None:
    """Checks all rules; `needed_gb` is the memory that the launch needs on all devices together.

    Raises:
        ForbiddenError: a rule is broken; the text names it and the way out.
    """
    _exclusions(engine, argv)
    _context(names.length, request.model, argv)
    _devices(names.tensor, request.model, request.target, argv, needed_gb)


def _exclusions(engine: str, argv: Sequence[str]) -> None:
    present = {flag[0] for flag in split(argv)}
    for rule in catalog().forbidden:
        name, _, wanted = rule.when.partition("=")
        applies = rule.engine == engine and name in present and (not wanted or value(argv, name) == wanted)
        if applies and (broken := present & set(rule.never)):
            raise ForbiddenError(f"{rule.why} ({', '.join(sorted(broken))}): {rule.way_out}; see {rule.source}.")


def _context(flag: str, model: Model, argv: Sequence[str]) -> None:
    length = number(argv, flag) if flag else None
    if length is not None and length > model.context:
        raise ForbiddenError(
            f"{flag} {length} is more than the {model.context} tokens that {model.name} has; give at most that."
        )


def _devices(flag: str, model: Model, target: Target, argv: Sequence[str], needed_gb: float | None) -> None:
    if not flag:
        return
    tensor = number(argv, flag) or 1
    further = [number(argv, name) or 1 for name in ("--pipeline-parallel-size", "--data-parallel-size")]
    devices = tensor * prod(further)
    if devices > target.count * target.nodes:
        raise ForbiddenError(f"{devices} devices are more than {target}; give --count, or a smaller {flag}.")
    if (model.attention_heads or tensor) % tensor:
        raise ForbiddenError(f"{flag} {tensor} does not divide the {model.attention_heads} heads of {model.name}.")
    have = None if target.usable_gb is None else devices * target.usable_gb
    if have is not None and needed_gb is not None and have < needed_gb:
        raise ForbiddenError(
            f"{model.name} needs {needed_gb:g} GB of memory and {devices} x {target.name} have {have:.0f} GB; "
            f"give a larger {flag}."
        )
