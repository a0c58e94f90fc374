"""What start.sh does by itself."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from engine.config import ROOT


@pytest.mark.parametrize("word", ["version", "--version", "-V"])
def test_the_version_is_told_before_anything_is_installed(tmp_path: Path, word: str) -> None:
    for name in ("start.sh", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    ended = subprocess.run([tmp_path / "start.sh", word], capture_output=True, text=True, check=True, timeout=60)
    number = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert ended.stdout == f"Kimi-VL Chat {number}\n"
    assert not (tmp_path / ".venv").exists()
