"""docs/architecture.md and CONTRIBUTING.md: every path in them exists, and the first lists every package."""

import re

import pytest

from engine.config import ROOT

ARCHITECTURE = "docs/architecture.md"
_PATH = re.compile(r"(?<![\w./-])(?:\.chainlit|app|docs|engine|public|tests)/(?:[\w.-]*\w/?)*")
_FILE = re.compile(r"`([\w.-]+\.(?:lock|md|sh|toml))`")
_MODULE = re.compile(r"-m ((?:app|engine|tests)(?:\.\w+)*)")


def named(document: str) -> set[str]:
    """The paths in a document: those of files and folders, and those of the modules that a command runs."""
    text = (ROOT / document).read_text()
    modules = {module.replace(".", "/") for module in _MODULE.findall(text)}
    return {*_PATH.findall(text), *_FILE.findall(text), *modules}


@pytest.mark.parametrize("document", [ARCHITECTURE, "CONTRIBUTING.md"])
def test_every_path_that_a_document_names_exists(document: str) -> None:
    paths = named(document)
    assert len(paths) > 15
    missing = [path for path in paths if not (ROOT / path).exists() and not (ROOT / f"{path}.py").exists()]
    assert missing == []


@pytest.mark.parametrize("half", ["app", "engine"])
def test_every_package_is_described(half: str) -> None:
    packages = {f"{half}/{file.parent.name}/" for file in (ROOT / half).glob("*/__init__.py")}
    assert len(packages) > 8
    assert packages - named(ARCHITECTURE) == set()
