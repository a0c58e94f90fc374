"""The code itself: formatted, linted, typed, and without what does not belong in a repository."""

import subprocess
import sys

import pytest

from engine.config import ROOT


@pytest.mark.parametrize(
    "command",
    [
        ("-m", "ruff", "check", "."),
        ("-m", "ruff", "format", "--check", "."),
        ("-m", "mypy"),
        ("-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"),
    ],
    ids=["lint", "format", "types", "imports"],
)
def test_the_tools_have_nothing_to_say(command: tuple[str, ...]) -> None:
    ended = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=600
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_no_module_has_outgrown_its_name() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in ("app", "engine")
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 400
    }
    assert long == {}
