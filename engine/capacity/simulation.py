"""Simulates people who ask, read and think, on engines that share their speed among all who wait for an answer."""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from dataclasses import dataclass, field

_SPREAD = 0.8
"""Sigma of the lengths of answers, which are log-normal: most are short, a few very long."""
_CYCLES_BEFORE, _CYCLES_MEASURED = 3, 4
"""Cycles of question, answer and pause (`Demand.cycle`)."""
_LEAST_QUESTIONS = 4_000
_SHORTEST_PAUSE = 1.0


@dataclass(frozen=True)
class Speed:
    """How fast one engine writes, in tokens a second."""

    alone: float
    """One answer on an idle engine."""
    most: float
    """All answers together, where it writes as many at once as it can."""
    slots: int
    """How many that is; others wait."""

    def of_each(self, answers: int) -> float:
        """Tokens a second of each of so many answers: in time with the load of a batch, which grows evenly."""
        if self.slots == 1 or answers <= 1:
            return self.alone
        growth = max(0.0, self.slots * self.alone / self.most - 1) / (self.slots - 1)
        return self.alone / (1 + (answers - 1) * growth)


@dataclass(frozen=True)
class Demand:
    """What people ask for at the busiest time."""

    people: int
    questions: float
    """Of each person, in an hour."""
    answer_tokens: float
    """The mean length of an answer, its thinking included."""

    def pause(self, speed: Speed) -> float:
        """Seconds from an answer to the next question, on an engine that is idle."""
        return max(_SHORTEST_PAUSE, 3600 / self.questions - self.answer_tokens / speed.alone)

    def cycle(self, speed: Speed) -> float:
        """Seconds from one question to the next, there."""
        return self.pause(speed) + self.answer_tokens / speed.alone


@dataclass
class Outcome:
    """What became of the questions, sorted."""

    waits: list[float] = field(default_factory=list)
    """Seconds until an answer begins, beside the time that the prompt takes."""
    speeds: list[float] = field(default_factory=list)
    """Tokens a second of each answer."""
    tokens_per_second: float = 0.0
    """Of all engines together, on average."""

    def wait(self, share: float) -> float:
        """The wait that this share of the questions does not exceed."""
        return self.waits[min(len(self.waits) - 1, int(share * len(self.waits)))]

    def speed(self, share: float) -> float:
        """The speed that this share of the answers does not fall below."""
        return self.speeds[int((1 - share) * (len(self.speeds) - 1))]


@dataclass(order=True)
class _Answer:
    """One that is written: `end` is its engine's progress at which it is complete."""

    end: float
    began: float = field(compare=False)
    tokens: float = field(compare=False)


class _Engine:
    """Writes all its answers at the same speed. `progress` is how many tokens an answer has had since the beginning."""

    def __init__(self, speed: Speed) -> None:
        self._speed = speed
        self.progress = 0.0
        self.now = 0.0
        self.running: list[_Answer] = []
        self.waiting: deque[tuple[float, float]] = deque()
        self.version = 0

    @property
    def load(self) -> int:
        return len(self.running) + len(self.waiting)

    def advance(self, now: float) -> None:
        if self.running:
            self.progress += (now - self.now) * self._speed.of_each(len(self.running))
        self.now = now

    def begin(self, tokens: float) -> None:
        heapq.heappush(self.running, _Answer(self.progress + tokens, self.now, tokens))

    @property
    def free(self) -> bool:
        return len(self.running) < self._speed.slots

    def next_end(self) -> float:
        if not self.running:
            return math.inf
        left = max(0.0, self.running[0].end - self.progress)
        return self.now + left / self._speed.of_each(len(self.running))


def simulate(demand: Demand, speed: Speed, engines: int, seed: int = 1) -> Outcome:
    """Lets `demand.people` ask, each question on the engine with the fewest, and measures once the load is steady.

    Everybody begins at rest, so that the first cycles of question, answer and pause are left out.
    """
    return _Simulation(demand, speed, engines, seed).run()


class _Simulation:
    def __init__(self, demand: Demand, speed: Speed, engines: int, seed: int) -> None:
        self._demand = demand
        self._random = random.Random(seed)  # noqa: S311 - a simulation
        self._engines = [_Engine(speed) for _ in range(engines)]
        self._pause, self._cycle = demand.pause(speed), demand.cycle(speed)
        self._mean = math.log(demand.answer_tokens) - _SPREAD**2 / 2
        self._events: list[tuple[float, int, int]] = []
        """(time, engine or -1 for a question, the engine's version)."""
        self._outcome = Outcome()
        self._written = 0.0

    def run(self) -> Outcome:
        for _ in range(self._demand.people):
            heapq.heappush(self._events, (self._random.expovariate(1 / self._pause), -1, 0))
        began = _CYCLES_BEFORE * self._cycle
        measured = max(_CYCLES_MEASURED * self._cycle, _LEAST_QUESTIONS * self._cycle / self._demand.people)
        now = 0.0
        while now < began + measured:
            now, number, version = heapq.heappop(self._events)
            if number < 0:
                self._ask(now, counted=now >= began)
            elif version == self._engines[number].version:
                self._end(now, number, counted=now >= began)
        self._outcome.tokens_per_second = self._written / measured
        self._outcome.waits.sort()
        self._outcome.speeds.sort()
        return self._outcome

    def _ask(self, now: float, *, counted: bool) -> None:
        number = min(range(len(self._engines)), key=lambda each: self._engines[each].load)
        engine = self._engines[number]
        engine.advance(now)
        engine.waiting.append((now, self._random.lognormvariate(self._mean, _SPREAD)))
        self._fill(engine, number, counted=counted)

    def _fill(self, engine: _Engine, number: int, *, counted: bool) -> None:
        while engine.waiting and engine.free:
            asked, tokens = engine.waiting.popleft()
            if counted:
                self._outcome.waits.append(engine.now - asked)
            engine.begin(max(1.0, tokens))
        engine.version += 1
        heapq.heappush(self._events, (engine.next_end(), number, engine.version))

    def _end(self, now: float, number: int, *, counted: bool) -> None:
        engine = self._engines[number]
        engine.advance(now)
        answer = heapq.heappop(engine.running)
        if counted:
            self._written += answer.tokens
            self._outcome.speeds.append(answer.tokens / max(1e-9, now - answer.began))
        # The person reads and thinks, then asks again.
        heapq.heappush(self._events, (now + self._random.expovariate(1 / self._pause), -1, 0))
        self._fill(engine, number, counted=counted)
