"""A plan as a container: `docker run`, or a compose file. The text common to all plans is in `templates/`.

Paths are the same inside and outside, so the command line and a picture's `file://` address are too.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template
from textwrap import indent

from engine.plans.flags import split
from engine.plans.launch import LaunchPlan, PlanError

_TEMPLATES = Path(__file__).with_name("templates")
_LISTS = {"--device": "devices", "--security-opt": "security_opt", "--group-add": "group_add", "--cap-add": "cap_add"}
"""Options of `docker run`, and their names in a compose file."""


def as_docker(plan: LaunchPlan) -> str:
    """A `docker run` in the project's folder, on the host's network: the engine listens on the host's 127.0.0.1.

    Raises:
        PlanError: there is no container image of this engine.
    """
    first, *others = (docker_on(plan, rank) for rank in range(len(plan.guide.workers) + 1))
    return first + "".join(f"# On node {rank}:\n{run}" for rank, run in enumerate(others, start=1))


def docker_on(plan: LaunchPlan, rank: int) -> str:
    """The `docker run` of one of several nodes, by its rank.

    Raises:
        PlanError: there is no container image of this engine.
    """
    return _docker_run(plan, plan.guide.workers[rank - 1] if rank else plan.argv)


def as_compose(plan: LaunchPlan) -> str:
    """A compose file with the engine as its one service.

    Raises:
        PlanError: there is no container image of this engine.
    """
    program, arguments = _command(plan.argv)
    note = "# The first node; the others start by --format shell --node 1 and so on.\n" if plan.guide.workers else ""
    key = {plan.key_env: f"${{{plan.key_env}:?the engine needs a key}}"} if plan.key_env else {}
    filled = _template("compose.yaml").substitute(
        image=_yaml(_image(plan)),
        program=_yaml(program),
        command=_entries(part.replace("$", "$$") for part in arguments).replace("\n", "\n      "),
        environment="\n      ".join(f"{name}: {_yaml(value)}" for name, value in (plan.env | key).items()),
        volumes="".join(f"\n      - {_yaml(volume)}" for volume in _volumes(plan.guide.container)),
        options=indent(_compose_options(plan.guide.container), "    ").strip(),
    )
    return note + filled.rstrip() + "\n"


def _docker_run(plan: LaunchPlan, argv: Sequence[str]) -> str:
    program, arguments = _command(argv)
    options = [shlex.join(option) for option in split(plan.guide.container)]
    options += [f"-e {plan.key_env}"] if plan.key_env else []
    options += [f"-e {shlex.quote(f'{name}={value}')}" for name, value in plan.env.items()]
    command = [shlex.join(arguments[:2]), *(shlex.join(flag) for flag in split(arguments[2:]))]
    return _template("docker.sh").substitute(
        options=" \\\n  ".join(options), program=program, image=_image(plan), command=" \\\n  ".join(command)
    )


def _image(plan: LaunchPlan) -> str:
    if not plan.guide.image:
        raise PlanError(f"No container image is known for {plan.engine} on {plan.accelerator}; use --format shell.")
    return plan.guide.image


def _command(argv: Sequence[str]) -> tuple[str, list[str]]:
    program, *arguments = argv
    # The images call Python `python3`, and have llama-server next to their libraries.
    return {"python": "python3", "llama-server": "/app/llama-server"}.get(program, program), arguments


def _compose_options(options: Sequence[str]) -> str:
    lists: dict[str, list[str]] = {}
    parts: list[str] = []
    for name, *values in split(options):
        if name == "--gpus":
            parts.append((_TEMPLATES / "compose-gpus.yaml").read_text().strip())
        elif name in {"--ipc", "--shm-size"}:
            parts.append(f"{name.removeprefix('--').replace('-', '_')}: {_yaml(values[0])}")
        elif name != "-v":
            lists.setdefault(_LISTS[name], []).extend(values)
    parts += [f"{key}:\n{indent(_entries(entries), '  ')}" for key, entries in lists.items()]
    return "\n".join(parts)


def _volumes(options: Sequence[str]) -> list[str]:
    return [values[0] for name, *values in split(options) if name == "-v"]


def _entries(values: Iterable[str]) -> str:
    return "\n".join(f"- {_yaml(value)}" for value in values)


def _yaml(text: str) -> str:
    # A JSON string is a YAML string. Quoting everything avoids words that YAML would read as another type.
    return json.dumps(text, ensure_ascii=False)


def _template(name: str) -> Template:
    return Template((_TEMPLATES / name).read_text())
