"""`./start.sh plan --people N`: how many engines and pages they need, with the assumptions."""

from __future__ import annotations

import argparse

from engine.arguments import positive
from engine.capacity.needs import LEAST_SPEED, MOST_WAIT, SHARE, NeedsError, measured_speed, needs
from engine.capacity.simulation import Demand, Speed
from engine.catalog import Model
from engine.config import Settings
from engine.measure.speed.results import NoResultError, find
from engine.plans.target import GB

_PROMPT_TOKENS = 2_000
"""Of a chat with a picture, for the memory that its cache takes (ours)."""
_MOST_PEOPLE = 10_000


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options that go with `--people`."""
    parser.add_argument("--people", type=_people, help="how many use it at the busiest time: what they need")
    parser.add_argument("--questions", type=_positive, default=12.0, help="of each person, in an hour (12)")
    parser.add_argument("--answer-tokens", type=_positive, default=800.0, help="mean length with thinking (800)")
    speed = parser.add_mutually_exclusive_group()
    speed.add_argument("--bench", metavar="RUN", help="take an engine's speed from a run of ./start.sh bench")
    speed.add_argument(
        "--speed", type=_speed, metavar="ALONE,MOST,SLOTS",
        help="an engine's tokens/s for one answer, for all at once, and how many that is: 60,1500,64",
    )  # fmt: skip


def report(settings: Settings, chosen: argparse.Namespace, model: Model) -> str:
    """What is needed, for a person.

    Raises:
        NeedsError: the speed is not known, or no number of engines is enough.
    """
    speed = _known_speed(settings, chosen)
    demand = Demand(chosen.people, chosen.questions, chosen.answer_tokens)
    return "\n".join([*_needed(demand, speed), *_memory(model, speed, demand), _GOALS]) + "\n"


_GOALS = (
    f"The goals: at most {MOST_WAIT:g} s and at least {LEAST_SPEED:g} tokens/s. This is a simulation, and nothing is "
    "spare for an engine that fails; docs/scale.md has the assumptions."
)


def _needed(demand: Demand, speed: Speed) -> list[str]:
    found = needs(demand, speed)
    outcome = found.outcome
    at_once = max(1, round(outcome.tokens_per_second / outcome.speed(0.5)))
    return [
        f"{demand.people:,} people at the busiest time, each with {demand.questions:g} questions an hour and answers "
        f"of {demand.answer_tokens:,.0f} tokens, thinking included, need:",
        f"  {_counted(found.engines, 'engine')}, at {speed.alone:g} tokens/s for one answer and {speed.most:g} for "
        f"{speed.slots} at once",
        f"  {_counted(found.pages, 'page')}, one core each, half busy",
        f"Then {SHARE:.0%} of the answers begin within {max(0.1, outcome.wait(SHARE)):.1f} s, beside the time for the "
        f"prompt, and are written at {outcome.speed(SHARE):.0f} tokens/s or more; half of them at "
        f"{outcome.speed(0.5):.0f}. All engines together write {outcome.tokens_per_second:,.0f} tokens/s, about "
        f"{_counted(at_once, 'answer')} at a time.",
    ]


def _memory(model: Model, speed: Speed, demand: Demand) -> list[str]:
    if not model.kv_bytes_per_token:
        return []
    tokens = _PROMPT_TOKENS + demand.answer_tokens
    gigabytes = speed.slots * tokens * model.kv_bytes_per_token / GB
    what = f"the cache of {speed.slots} chats of {tokens:,.0f} tokens takes {gigabytes:.1f} GB of each engine."
    return [f"{model.title}: {what}"]


def _known_speed(settings: Settings, chosen: argparse.Namespace) -> Speed:
    if chosen.speed:
        return Speed(*chosen.speed)
    if not chosen.bench:
        raise NeedsError(
            "How fast an engine is must be known: --bench RUN takes it from a run of ./start.sh bench, "
            "--speed ALONE,MOST,SLOTS gives it, such as --speed 60,1500,64."
        )
    try:
        return measured_speed(find(settings.workspace / "bench", chosen.bench))
    except NoResultError as error:
        raise NeedsError(str(error)) from None


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number > 1 else ''}"


def _people(text: str) -> int:
    number = positive(text)
    if number > _MOST_PEOPLE:
        raise argparse.ArgumentTypeError(f"{text} is more than {_MOST_PEOPLE:,}, the most that is simulated")
    return number


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1,000,000")
    return number


def _speed(text: str) -> tuple[float, float, int]:
    alone, most, slots = text.split(",")
    found = _positive(alone), _positive(most), positive(slots)
    if found[1] < found[0]:
        raise argparse.ArgumentTypeError(f"{text}: all answers together are not slower than one")
    return found
