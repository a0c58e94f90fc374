"""Reads the steps of a Dockerfile. An instruction that ours does not use is an error, so that none is skipped."""

from __future__ import annotations

import re
from dataclasses import dataclass
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
            raise ValueError(f"{word} is not known here")
        if word == "FROM":
            parent, name = text.split(" AS ")
            found[name] = list(found.get(parent, [Step("FROM", parent)]))
        else:
            found[name].append(Step(word, text.strip()))
    return found


def lines(dockerfile: Path) -> list[str]:
    """The file's lines."""
    return dockerfile.read_text().splitlines()
