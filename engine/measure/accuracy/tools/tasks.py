"""The tasks: a question, the tools that are offered, the calls that are right, and what the answer must say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine.measure.accuracy.sets import OUR_PICTURES

_FILE = Path(__file__).with_name("tasks.json")


@dataclass(frozen=True)
class Wanted:
    """A call that is right, and what the tool then returns."""

    name: str
    arguments: Mapping[str, list[Any]]
    """Of each argument that matters, the values that are right."""
    result: str


@dataclass(frozen=True)
class Task:
    """One conversation; without `calls` no tool is to be called."""

    name: str
    question: str
    functions: Mapping[str, Any]
    """Of each tool on offer its `description` and `parameters`."""
    calls: tuple[Wanted, ...] = ()
    answer: tuple[tuple[str, ...], ...] = ()
    """The answer must have one text of each."""
    picture: str = ""
    """The name of one of our pictures."""

    @property
    def offered(self) -> list[dict[str, Any]]:
        """The tools in the form of the OpenAI API."""
        return [{"type": "function", "function": {"name": name, **rest}} for name, rest in self.functions.items()]

    def read_picture(self) -> bytes:
        """The picture's bytes."""
        return (OUR_PICTURES / self.picture).read_bytes()


@cache
def our_tasks() -> tuple[Task, ...]:
    """All of them."""
    raw = json.loads(_FILE.read_text())
    functions = raw["functions"]
    return tuple(
        Task(
            name=task["name"],
            question=task["question"],
            functions={name: functions[name] for name in task["tools"]},
            calls=tuple(Wanted(**call) for call in task["calls"]),
            answer=tuple(map(tuple, task["answer"])),
            picture=task.get("picture", ""),
        )
        for task in raw["tasks"]
    )


def digest() -> str:
    """A hash of the tasks and their pictures."""
    hashed = hashlib.sha256(_FILE.read_bytes())
    for task in our_tasks():
        if task.picture:
            hashed.update(task.read_picture())
    return hashed.hexdigest()
