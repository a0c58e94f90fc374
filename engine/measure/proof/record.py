"""The outcome of the last `./start.sh prove`, for `doctor`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.measure.proof.trial import Trial
from engine.plans.launch import LaunchPlan
from engine.status import known_fields, now
from engine.system.atomic_write import replace_json


@dataclass(frozen=True)
class Outcome:
    """On which launch nano was tried, when, and what it showed."""

    engine: str
    program: str
    build: str
    accelerator: str
    at: str
    passed: bool
    shapes: str = ""
    counts: str = ""
    failure: str = ""
    """Why it did not start or answer; empty: it did."""

    @classmethod
    def of(cls, plan: LaunchPlan, found: Trial | str) -> Outcome:
        """What was found with this plan: a trial, or why there was none."""
        where = (plan.engine, plan.argv[0], plan.environment, plan.accelerator, now())
        if isinstance(found, str):
            return cls(*where, passed=False, failure=found)
        return cls(*where, found.passed, str(found.shapes), str(found.counts))

    @classmethod
    def read(cls, path: Path) -> Outcome | None:
        """The last one; None: there is none that can be read."""
        try:
            return known_fields(cls, json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Keeps it.

        Raises:
            OSError: it can't be written.
        """
        replace_json(path, asdict(self))

    def concerns(self, plan: LaunchPlan) -> bool:
        """Whether it was found on the engine, build and device of this plan."""
        here = (plan.engine, plan.argv[:1], plan.environment, plan.accelerator)
        return here == (self.engine, (self.program,), self.build, self.accelerator)

    def __str__(self) -> str:
        found = self.failure or f"{self.shapes} shapes, {self.counts} counts"
        return f"nano on {self.engine}, {self.accelerator}: {found} ({self.at[:10]})"
