"""Reads a Dockerfile and runs the steps of one target in a folder, without a Docker engine.

Supports only what our Dockerfile uses; an unknown instruction is an error, so that none is skipped.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

_KNOWN = {"FROM", "RUN", "WORKDIR", "USER", "COPY", "ENV", "EXPOSE", "VOLUME", "HEALTHCHECK", "ENTRYPOINT"}
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Step:
    """One instruction and its arguments."""

    word: str
    text: str


def stages(dockerfile: Path) -> dict[str, list[Step]]:
    """The steps of each stage by its name, those of the stage that it builds on included."""
    joined = re.sub(r"\\\n\s*", " ", "\n".join(line for line in lines(dockerfile) if not line.lstrip().startswith("#")))
    found: dict[str, list[Step]] = {}
    name = ""
    for line in filter(None, (line.strip() for line in joined.splitlines())):
        word, _, text = line.partition(" ")
        if word not in _KNOWN:
            raise ValueError(f"{word} is not carried out here")
        if word == "FROM":
            parent, name = text.split(" AS ")
            found[name] = list(found.get(parent, [Step("FROM", parent)]))
        else:
            found[name].append(Step(word, text.strip()))
    return found


def lines(dockerfile: Path) -> list[str]:
    """The file's lines."""
    return dockerfile.read_text().splitlines()


@dataclass
class Build:
    """A container's file system as it grows, and what its image would remember."""

    root: Path
    context: Path
    outside: dict[str, str]
    """What this machine needs to reach the package registries; not part of the image."""
    workdir: str = "/"
    user: str = "0"
    env: dict[str, str] = field(default_factory=dict)
    healthcheck: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)

    def carry_out(self, steps: list[Step]) -> None:
        """All of them, in order."""
        for step in steps:
            getattr(self, f"_{step.word.lower()}")(step.text)

    def command(self, argv: list[str], **env: str) -> list[str]:
        """The command line that runs `argv` inside, as the image's user."""
        variables = {"PATH": _PATH, "HOME": "/home/kimi" if self.user != "0" else "/root", **self.outside, **self.env}
        pairs = [f"{name}={value}" for name, value in (variables | env).items()]
        inside = f"cd {shlex.quote(self.workdir)} && exec {shlex.join(argv)}"
        return [
            "chroot", f"--userspec={self.user}:{self.user}", str(self.root), "env", "-i", *pairs, "sh", "-c", inside
        ]  # fmt: skip

    def _run(self, text: str) -> None:
        done = subprocess.run(
            self.command(["sh", "-ec", text]), capture_output=True, text=True, check=False, timeout=1800
        )
        assert done.returncode == 0, f"RUN {text}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"

    def _from(self, text: str) -> None:
        assert text == "python:3.11-slim-bookworm", f"the clean root is not a copy of {text}"

    def _workdir(self, text: str) -> None:
        self.workdir = text
        (self.root / text.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def _user(self, text: str) -> None:
        self.user = text

    def _env(self, text: str) -> None:
        self.env |= dict(pair.split("=", 1) for pair in shlex.split(text))

    def _copy(self, text: str) -> None:
        owner, *sources, target = shlex.split(text)
        place = self.root / self.workdir.lstrip("/") / target
        for source in sources:
            if source == ".":
                shutil.copytree(self.context, place, dirs_exist_ok=True, symlinks=True)
            else:
                into = place / Path(source).name if target.endswith("/") else place
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.context / source, into)
        name = owner.partition("=")[2]
        subprocess.run(
            ["chroot", str(self.root), "chown", "-R", f"{name}:{name}", self.workdir], check=True, timeout=120
        )

    def _healthcheck(self, text: str) -> None:
        self.healthcheck = json.loads(text[text.index("[") :])

    def _entrypoint(self, text: str) -> None:
        self.entrypoint = json.loads(text)

    def _expose(self, _: str) -> None:
        pass  # the network is this machine's

    def _volume(self, _: str) -> None:
        pass  # the folders stay in the root


def context_without_ignored(project: Path, into: Path) -> Path:
    """A copy of what a build of a checkout would be sent: its files less those of .gitignore and .dockerignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=project, capture_output=True, check=True, timeout=60).stdout
    ignored = [line.removeprefix("**/") for line in lines(project / ".dockerignore") if line]
    for name in filter(None, os.fsdecode(listed).split("\0")):
        first = name.split("/")[0]
        if any(Path(first).match(pattern) for pattern in ignored) or not (project / name).exists():
            continue
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(project / name, into / name)
    return into
