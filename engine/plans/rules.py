"""Rejects combinations that can't work, checked on the finished command line."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from engine.catalog import Model, catalog
from engine.plans.flags import FlagNames, number, split, value
from engine.plans.launch import ForbiddenError
from engine.plans.request import Request
from engine.plans.target import Target
from engine.wording import said


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
            flags = ", ".join(sorted(broken))
            raise ForbiddenError(said("excluded", why=rule.why, flags=flags, way_out=rule.way_out, source=rule.source))


def _context(flag: str, model: Model, argv: Sequence[str]) -> None:
    length = number(argv, flag) if flag else None
    if length is not None and length > model.context:
        raise ForbiddenError(said("context_more", flag=flag, length=length, context=model.context, model=model.name))


def _devices(flag: str, model: Model, target: Target, argv: Sequence[str], needed_gb: float | None) -> None:
    if not flag:
        return
    tensor = number(argv, flag) or 1
    further = [number(argv, name) or 1 for name in ("--pipeline-parallel-size", "--data-parallel-size")]
    devices = tensor * prod(further)
    if devices > target.count * target.nodes:
        raise ForbiddenError(said("devices_more", devices=devices, target=target, flag=flag))
    if (model.attention_heads or tensor) % tensor:
        raise ForbiddenError(said("heads", flag=flag, tensor=tensor, heads=model.attention_heads, model=model.name))
    have = None if target.usable_gb is None else devices * target.usable_gb
    if have is not None and needed_gb is not None and have < needed_gb:
        where = {"devices": devices, "name": target.name, "have": have, "flag": flag}
        raise ForbiddenError(said("flag_small", model=model.name, needed=needed_gb, **where))
