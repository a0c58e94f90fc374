"""The smallest number of engines and pages with which people wait little and read at a good speed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.capacity.simulation import Demand, Outcome, Speed, simulate
from engine.measure.speed.results import Run

SHARE = 0.95
"""Of the questions, that must meet both goals."""
MOST_WAIT = 2.0
"""Seconds until an answer begins, beside the time that the prompt takes."""
LEAST_SPEED = 10.0
"""Tokens a second: somewhat faster than people read."""
PAGE_SECONDS_PER_TOKEN = 96e-6
PAGE_SECONDS_PER_QUESTION = 0.022
"""CPU time of the page, measured at 64 streams and for a short turn (docs/performance.md)."""
PAGE_BUSY = 0.5
"""The share of a core that a page may use, so that no token waits for it."""
_MOST_ENGINES = 256
_SHARE_BEFORE = 0.8
"""The search begins at this share of what an even load needs, since people who wait ask less often."""


class NeedsError(Exception):
    """No number of engines is enough, or the speed is not known; the text says why."""


@dataclass(frozen=True)
class Needs:
    """What is needed, and what people see with it."""

    engines: int
    pages: int
    outcome: Outcome


def needs(demand: Demand, speed: Speed) -> Needs:
    """The smallest numbers that meet the goals.

    Raises:
        NeedsError: even an idle engine is too slow, or more than 256 would be needed.
    """
    if speed.alone < LEAST_SPEED:
        raise NeedsError(
            f"One engine writes {speed.alone:g} tokens/s when idle; {LEAST_SPEED:g} are wanted for everybody, "
            "so that more engines do not help: choose a faster machine or a smaller form of the model."
        )
    # Fewer than this could not write all answers.
    low = int(demand.people * demand.answer_tokens / (demand.cycle(speed) * speed.most) * _SHARE_BEFORE)
    step = 1
    while not _good(outcome := simulate(demand, speed, low + step)):
        low, step = low + step, 2 * step
        if low > _MOST_ENGINES:
            raise NeedsError(f"More than {_MOST_ENGINES} engines would be needed; that many are not simulated.")
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        if _good(found := simulate(demand, speed, middle)):
            high, outcome = middle, found
        else:
            low = middle
    return Needs(high, _pages(demand, outcome), outcome)


def _good(outcome: Outcome) -> bool:
    return outcome.wait(SHARE) <= MOST_WAIT and outcome.speed(SHARE) >= LEAST_SPEED


def _pages(demand: Demand, outcome: Outcome) -> int:
    asked = outcome.tokens_per_second / demand.answer_tokens
    busy = outcome.tokens_per_second * PAGE_SECONDS_PER_TOKEN + asked * PAGE_SECONDS_PER_QUESTION
    return math.ceil(busy / PAGE_BUSY)


def measured_speed(run: Run) -> Speed:
    """The speed of an engine that `./start.sh bench` has measured with one request and with many at once.

    Raises:
        NeedsError: the run has no two such measurements of one scenario.
    """
    for name in dict.fromkeys(row.scenario for row in run.rows):
        rows = [row for row in run.rows if row.scenario == name and row.output_tokens_per_second]
        alone = next((row.output_tokens_per_second for row in rows if row.concurrency == 1), None)
        most = max(rows, key=lambda row: row.output_tokens_per_second or 0, default=None)
        if alone and most and most.concurrency > 1:
            return Speed(alone, most.output_tokens_per_second or alone, most.concurrency)
    raise NeedsError(f"{run.name} has no scenario with one request and with many at once: ./start.sh bench chat.")
