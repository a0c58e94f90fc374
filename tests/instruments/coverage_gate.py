"""The coverage gate: compares what the unit tests of some packages ran with a minimum.

`./start.sh test` measures with pytest-cov while it runs the unit tests, and then runs `python -m
tests.instruments.coverage_gate`. Only the tests below `MEASURED` count. The others would add little, and coverage.py
loses its place when SQLAlchemy switches greenlets in mid-call; the option that prevents this trebles the time.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping

THRESHOLDS = {
    "app/files": 95.0,
    "app/talk": 95.0,
    "app/turn": 95.0,
    "engine/engines": 95.0,
    "engine/plans": 95.0,
}
"""Per cent of the lines and branches of a package, those of its packages included."""

MEASURED = (
    *(f"tests/unit/app/{package}/" for package in ("api", "files", "talk", "turn", "upstream")),
    *(
        f"tests/unit/engine/{package}/"
        for package in ("commands", "engines", "install", "measure", "plans", "supervise")
    ),
)
"""Where the tests are that reach those packages."""


def compare(thresholds: Mapping[str, float] = THRESHOLDS) -> int:
    """Reads `.coverage`; prints a line for each package, and what is missing of those below.

    Returns:
        1 if there are any below, else 0.
    """
    from coverage import Coverage  # tests/conftest.py imports this module in every run of tests
    from coverage.exceptions import CoverageException

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
    sys.exit(compare())
