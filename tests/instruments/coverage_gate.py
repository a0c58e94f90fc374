"""The coverage gate: runs unit tests with pytest-cov, and compares what they ran with a minimum.

`python -m tests.instruments.coverage_gate` runs it. Only tests that reach the measured packages run: coverage.py makes
those of the history four times as slow.
"""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Mapping

from coverage import Coverage
from coverage.exceptions import CoverageException

THRESHOLDS = {
    "app/files": 95.0,
    "app/talk": 95.0,
    "app/turn": 95.0,
    "engine/engines": 95.0,
    "engine/plans": 95.0,
}
"""Per cent of the lines and branches of a package, those of its packages included."""


TESTS = [
    *(f"tests/unit/app/{package}" for package in ("api", "files", "talk", "turn", "upstream")),
    *(
        f"tests/unit/engine/{package}"
        for package in ("commands", "engines", "install", "measure", "plans", "supervise")
    ),
]
_PYTEST = ("-m", "pytest", "-q", "--numprocesses", "2", "--dist", "worksteal", "--cov", "--cov-report=")


def main() -> int:
    """Runs the tests; exit status 0 if they pass and reach the minimum."""
    ran = subprocess.run([sys.executable, *_PYTEST, *TESTS], check=False)
    return ran.returncode or compare()


def compare(thresholds: Mapping[str, float] = THRESHOLDS) -> int:
    """Reads `.coverage`; prints a line for each package, and what is missing of those below.

    Returns:
        1 if there are any below, else 0.
    """
    coverage = Coverage()
    coverage.load()
    failed = False
    for package, wanted in thresholds.items():
        table = io.StringIO()
        try:
            reached = coverage.report(include=[f"{package}/*"], show_missing=True, skip_covered=True, file=table)
        except CoverageException:
            reached = 0.0  # nothing of it ran
        print(f"coverage by unit tests: {package:20} {reached:6.2f} %, at least {wanted:g} %")
        if reached < wanted:
            failed = True
            print(f"{package} is below its threshold:\n{table.getvalue()}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
