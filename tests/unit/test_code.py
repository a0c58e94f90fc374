"""The code itself: formatted, linted, typed, and free of what does not belong in a repository."""

import subprocess
import sys

import pytest

from engine.config import ROOT


@pytest.mark.parametrize(
    "command",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)],
    ids=["lint", "format", "types"],
)
def test_the_tools_have_nothing_to_say(command: tuple[str, ...]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=600
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


def test_the_engine_never_imports_the_page() -> None:
    offenders = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "engine").rglob("*.py")
        if any(line.startswith(("import app", "from app")) for line in path.read_text().splitlines())
    ]
    assert offenders == []
