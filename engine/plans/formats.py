"""A plan as text for the user, a shell script, a container line, a compose file, or JSON."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence

from engine.catalog import models
from engine.plans.containers import as_compose, as_docker
from engine.plans.flags import split
from engine.plans.launch import LaunchPlan, PlanError
from engine.plans.page import is_key_step


def render(plan: LaunchPlan, how: str) -> str:
    """The plan in one of `FORMATS`.

    Raises:
        PlanError: there is no container image of this engine.
    """
    return FORMATS[how](plan)


def as_text(plan: LaunchPlan) -> str:
    """Everything, for reading."""
    parts = [heading(plan)]
    parts.append(_section("Why", [f"- {reason}" for reason in plan.why()]))
    parts.append(_section("First", [line for step in plan.guide.steps for line in (*step.splitlines(), "")][:-1]))
    parts.append(_section("Launch", [*_exports(plan.env), *_lines(plan.argv)]) if plan.argv else "")
    for rank, worker in enumerate(plan.guide.workers, start=1):
        parts.append(_section(f"Launch on node {rank}", _lines(worker)))
    if plan.guide.image and plan.guide.steps:
        parts.append(_section("Or as a container", as_docker(plan).splitlines()))
    parts.append(_section("Then", plan.guide.verify.splitlines()))
    parts.append(_section("The page", plan.guide.page.splitlines()))
    parts.append(_section("If it fails", [f"- {line}" for line in plan.guide.advice]))
    parts.append(f"Checked: {plan.guide.checked}." if plan.guide.checked else "")
    return "\n\n".join(part for part in parts if part) + "\n"


def heading(plan: LaunchPlan) -> str:
    """Model, engine and machine in a few words."""
    model = models().get(plan.model)
    where = f", {plan.accelerator}" if plan.accelerator else ""
    what, engine = model.title if model else plan.model, plan.traits.title
    return f"{what if what == engine else f'{what} on {engine}'}{where}"


def as_shell(plan: LaunchPlan) -> str:
    """The script of the first node: what comes first, then the launch; what is done elsewhere is in comments."""
    return node_script(plan, 0)


def node_script(plan: LaunchPlan, rank: int) -> str:
    """The script of one of several nodes, by its rank.

    Raises:
        PlanError: there is no such node.
    """
    if rank not in range(len(plan.guide.workers) + 1):
        raise PlanError(f"This plan has nodes 0 to {len(plan.guide.workers)}; --node {rank} is none of them.")
    nodes = f", node {rank}" if plan.guide.workers else ""
    lines = ["#!/usr/bin/env bash", f"# {heading(plan)}{nodes}", "set -euo pipefail", ""]
    # The first node alone answers, and so needs the key.
    steps = [step for step in plan.guide.steps if not (rank and is_key_step(step))]
    lines += [line for step in steps for line in (*step.splitlines(), "")]
    lines += [*_exports(plan.env), ""]
    if rank:
        return "\n".join([*lines, *_lines(plan.guide.workers[rank - 1])]) + "\n"
    for other in range(1, len(plan.guide.workers) + 1):
        lines += [f"# On node {other}: the script of the same command with --node {other}", ""]
    notes = "\n\n".join((plan.guide.verify, plan.guide.page))
    lines += [f"# {line}".rstrip() for line in notes.splitlines()]
    return "\n".join([*lines, "", *_lines(plan.argv)]) + "\n"


def as_json(plan: LaunchPlan) -> str:
    """For programs: argv, env, reasons, steps, and the rest of the plan."""
    return (
        json.dumps(
            {
                "argv": plan.argv,
                "env": plan.env,
                "reasons": plan.why(),
                "steps": [*plan.guide.steps, plan.guide.verify] if plan.guide.verify else plan.guide.steps,
                "engine": plan.engine,
                "model": plan.model,
                "accelerator": plan.accelerator,
                "image": plan.guide.image,
                "container": plan.guide.container,
                "page": plan.guide.page,
                "workers": plan.guide.workers,
                "key_env": plan.key_env,
                "checked": plan.guide.checked,
                "advice": plan.guide.advice,
            },
            ensure_ascii=False,
            indent=2,
        )
        + "\n"
    )


FORMATS: dict[str, Callable[[LaunchPlan], str]] = {
    "text": as_text,
    "shell": as_shell,
    "docker": as_docker,
    "compose": as_compose,
    "json": as_json,
}


def _section(title: str, lines: Iterable[str]) -> str:
    body = "\n".join(f"  {line}".rstrip() for line in lines)
    return f"{title}\n{body}" if body.strip() else ""


def _exports(env: Mapping[str, str]) -> list[str]:
    return [f"export {name}={shlex.quote(value)}" for name, value in env.items()]


def _lines(argv: Sequence[str]) -> list[str]:
    rows = [_quoted(flag) for flag in split(argv)]
    return [row if index == 0 else f"  {row}" for index, row in enumerate(_continued(rows))]


def _continued(rows: Sequence[str]) -> list[str]:
    return [f"{row} \\" for row in rows[:-1]] + list(rows[-1:])


def _quoted(parts: Iterable[str]) -> str:
    return " ".join(shlex.quote(part) for part in parts)
