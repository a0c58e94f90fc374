"""The instrument that fails a run whose unit tests cover too little."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from engine.config import ROOT

_CONFTEST = """
from tests.instruments.coverage_gate import CoverageGate

def pytest_configure(config):
    config.pluginmanager.register(CoverageGate(config.rootpath, {"signs": 80.0}))
"""
_SIGN = """
def sign(number):
    if number > 0:
        return 1
    return -1
"""
_POSITIVE = "from signs.sign import sign\n\ndef test_positive():\n    assert sign(5) == 1\n"
_NEGATIVE = "from signs.sign import sign\n\ndef test_negative():\n    assert sign(-5) == -1\n"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def run(project: Path) -> subprocess.CompletedProcess[str]:
    """The tests of a separate project, with the gate."""
    environment = os.environ | {"PYTHONPATH": f"{project}:{ROOT}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [
        sys.executable,
        "-B",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(project),
        str(project),
    ]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def test_only_what_unit_tests_run_counts_and_a_package_below_its_threshold_fails_the_run(tmp_path: Path) -> None:
    write(tmp_path / "conftest.py", _CONFTEST)
    write(tmp_path / "signs" / "__init__.py", "")
    write(tmp_path / "signs" / "sign.py", _SIGN)
    write(tmp_path / "tests" / "unit" / "test_positive.py", _POSITIVE)
    write(tmp_path / "tests" / "other" / "test_negative.py", _NEGATIVE)
    below = run(tmp_path)
    assert "2 passed" in below.stdout
    assert below.returncode == 1
    assert "signs is below its threshold" in below.stdout
    assert "sign.py" in below.stdout
    write(tmp_path / "tests" / "unit" / "test_negative_as_well.py", _NEGATIVE)
    enough = run(tmp_path)
    assert enough.returncode == 0, enough.stdout
    assert "100.00 %, at least 80 %" in enough.stdout
