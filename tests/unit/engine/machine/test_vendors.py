"""What is known of one maker of accelerators is in its own file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from engine.config import ROOT
from engine.machine.vendors import VENDORS

AT_HOME = "engine/machine/"
OTHER_THINGS = {
    ("engine/engines/vllm/environment.py", "nvidia-"),  # how names of packages begin
}
"""What has a maker's name and is something else."""
THEIR_WORDS = "engine/engines/vllm/log.py"
"""Here are the messages of an engine, which name a maker's driver."""


def spoken() -> Iterator[tuple[str, str]]:
    """Files of the program, each with the strings in it that have a maker's name; not its docstrings."""
    makers = {word for vendor in VENDORS.values() for word in (vendor.name, *vendor.makers)}
    named = re.compile(rf"\b({'|'.join(sorted(makers))})\b", re.IGNORECASE)
    for folder in ("app", "engine"):
        for path in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                    yield from ((path.relative_to(ROOT).as_posix(), node.value) for _ in named.finditer(node.value))
    for path in (ROOT / "public").glob("*.js"):
        for found in named.finditer(path.read_text(encoding="utf-8")):
            yield path.relative_to(ROOT).as_posix(), found[1]


def test_nothing_but_its_own_file_knows_a_maker_by_its_name() -> None:
    elsewhere = {(path, text) for path, text in spoken() if not path.startswith((AT_HOME, THEIR_WORDS))}
    assert elsewhere == OTHER_THINGS
