"""A plan as text for a person, a shell script, a container line, a compose file, or JSON."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence

from engine.catalog import models
from engine.plans.flags import split
from engine.plans.launch import LaunchPlan, PlanError

_CACHE = "/.cache/huggingface"
_LISTS = {"--device": "devices", "--security-opt": "security_opt", "--group-add": "group_add", "--cap-add": "cap_add"}
"""What `docker run` calls it, and what a compose file does."""
_GPUS = ["deploy:", "  resources:", "    reservations:", "      devices:"]


def render(plan: LaunchPlan, how: str) -> str:
    """The plan in one of `FORMATS`.

    Raises:
        PlanError: there is no container image of this engine.
    """
    return FORMATS[how](plan)


def as_text(plan: LaunchPlan) -> str:
    """Everything, for reading."""
    parts = [_heading(plan)]
    parts.append(_section("Why", [f"- {reason}" for reason in plan.reasons]))
    parts.append(_section("First", [line for step in plan.steps for line in (*step.splitlines(), "")][:-1]))
    parts.append(_section("Launch", [*_exports(plan.env), *_lines(plan.argv)]) if plan.argv else "")
    for rank, worker in enumerate(plan.workers, start=1):
        parts.append(_section(f"Launch on node {rank}", _lines(worker)))
    if plan.image and plan.steps:
        parts.append(_section("Or as a container", as_docker(plan).splitlines()))
    parts.append(_section("Then", plan.verify.splitlines()))
    parts.append(_section("If it fails", [f"- {line}" for line in plan.advice]))
    parts.append(f"Checked: {plan.checked}." if plan.checked else "")
    return "\n\n".join(part for part in parts if part) + "\n"


def as_shell(plan: LaunchPlan) -> str:
    """A script: what comes first, then the launch; the other nodes and the question stand as comments."""
    lines = ["#!/usr/bin/env bash", f"# {_heading(plan)}", "set -euo pipefail", ""]
    lines += [line for step in plan.steps for line in (*step.splitlines(), "")]
    lines += [*_exports(plan.env), ""]
    for rank, worker in enumerate(plan.workers, start=1):
        lines += [f"# On node {rank}:", *(f"#   {line}" for line in _lines(worker)), ""]
    lines += [f"# {line}" for line in plan.verify.splitlines()]
    return "\n".join([*lines, "", *_lines(plan.argv)]) + "\n"


def as_docker(plan: LaunchPlan) -> str:
    """One `docker run`, in the project's folder. The network is the host's: the engine listens on 127.0.0.1 there."""
    lines = _docker_run(plan, plan.argv)
    for rank, worker in enumerate(plan.workers, start=1):
        lines += [f"# On node {rank}:", *_docker_run(plan, worker)]
    return "\n".join(lines) + "\n"


def as_compose(plan: LaunchPlan) -> str:
    """A compose file with the engine as its one service."""
    program, arguments = _command(plan.argv)
    service = {
        "image": _image(plan),
        "network_mode": "host",
        "working_dir": "${PWD}",
        "entrypoint": [program],
        "command": [part.replace("$", "$$") for part in arguments],
        "environment": plan.env | _key(plan),
        "volumes": list(_mounts("${HOME}", "${PWD}")),
        "restart": "unless-stopped",
    }
    lines = ["# The first node; the others start as --format shell tells."] if plan.workers else []
    lines += ["services:", "  engine:"]
    for key, value in service.items():
        lines += [f"    {line}" for line in _yaml(key, value)]
    return "\n".join([*lines, *(f"    {line}" for line in _compose_options(plan.container))]) + "\n"


def as_json(plan: LaunchPlan) -> str:
    """For programs: argv, env, reasons, steps, and what else the plan holds."""
    return (
        json.dumps(
            {
                "argv": plan.argv,
                "env": plan.env,
                "reasons": plan.reasons,
                "steps": [*plan.steps, plan.verify] if plan.verify else plan.steps,
                "engine": plan.engine,
                "model": plan.model,
                "accelerator": plan.accelerator,
                "image": plan.image,
                "container": plan.container,
                "workers": plan.workers,
                "key_env": plan.key_env,
                "checked": plan.checked,
                "advice": plan.advice,
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


def _heading(plan: LaunchPlan) -> str:
    model = models().get(plan.model)
    where = f", {plan.accelerator}" if plan.accelerator else ""
    what, engine = model.title if model else plan.model, plan.traits.title
    return f"{what if what == engine else f'{what} on {engine}'}{where}"


def _image(plan: LaunchPlan) -> str:
    if not plan.image:
        raise PlanError(f"No container image is known for {plan.engine} on {plan.accelerator}; take --format shell.")
    return plan.image


def _key(plan: LaunchPlan) -> dict[str, str]:
    return {plan.key_env: f"${{{plan.key_env}:?the engine needs a key}}"} if plan.key_env else {}


def _docker_run(plan: LaunchPlan, argv: Sequence[str]) -> list[str]:
    program, arguments = _command(argv)
    rows = ["docker run --rm --network host", *(shlex.join(option) for option in split(plan.container))]
    rows += [f"-e {plan.key_env}"] if plan.key_env else []
    rows += [f"-e {shlex.quote(f'{name}={value}')}" for name, value in plan.env.items()]
    rows += [f'-v "{mount}"' for mount in _mounts("$HOME", "$PWD")]
    rows += ['-w "$PWD"', f"--entrypoint {program} {_image(plan)} {_quoted(arguments[:2])}"]
    rows += [_quoted(flag) for flag in split(arguments[2:])]
    return [row if index == 0 else f"  {row}" for index, row in enumerate(_continued(rows))]


def _command(argv: Sequence[str]) -> tuple[str, list[str]]:
    program, *arguments = argv
    # The images have Python by its versioned name, and llama-server beside their libraries.
    return {"python": "python3", "llama-server": "/app/llama-server"}.get(program, program), arguments


def _mounts(home: str, here: str) -> tuple[str, ...]:
    """The same paths inside as outside: the command line is the same, and so is a picture's `file://` address."""
    return (
        f"{home}{_CACHE}:/root{_CACHE}",
        f"{here}/models:{here}/models",
        f"{here}/engine:{here}/engine:ro",
        f"{here}/workspace/uploads:{here}/workspace/uploads:ro",
    )


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


def _yaml(key: str, value: object) -> list[str]:
    # A JSON string is a YAML string; quoting all of them spares knowing which words YAML takes for something else.
    if isinstance(value, dict):
        return [f"{key}:", *(f"  {name}: {json.dumps(text, ensure_ascii=False)}" for name, text in value.items())]
    if isinstance(value, list):
        return [f"{key}:", *(f"  - {json.dumps(text, ensure_ascii=False)}" for text in value)]
    return [f"{key}: {json.dumps(value, ensure_ascii=False)}"]


def _compose_options(options: Sequence[str]) -> list[str]:
    lists: dict[str, list[str]] = {}
    lines: list[str] = []
    for name, *values in split(options):
        if name == "--gpus":
            lines += [*_GPUS, "        - driver: nvidia", "          count: all", "          capabilities: [gpu]"]
        elif name in {"--ipc", "--shm-size"}:
            lines += _yaml(name.removeprefix("--").replace("-", "_"), values[0])
        elif name != "-v":
            lists.setdefault(_LISTS[name], []).extend(values)
    for key, entries in lists.items():
        lines += _yaml(key, entries)
    return lines
