"""Asks an engine about test pictures and counts what is right."""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.measure.accuracy.scoring import transcript
from engine.measure.accuracy.sets import READ_ALL
from tests.instruments.pictures.case import Case
from tests.ocr.scoring import characters_right, quotes, stands_in

Ask = Callable[[Case, str], str]


@dataclass(frozen=True)
class Result:
    """The result of one picture.

    `read` and `quoted` report for each question whether the answer is in the transcript, and in the quoted lines.
    `seconds` is how long reading it took.
    """

    case: Case
    transcript: str
    characters: float
    read: tuple[bool, ...]
    quoted: tuple[bool, ...]
    seconds: float


def measure(case: Case, ask: Ask) -> Result:
    """Asks for all the text, then each question."""
    began = time.perf_counter()
    text = transcript(ask(case, READ_ALL))
    seconds = time.perf_counter() - began
    return Result(
        case,
        text,
        characters_right(case.transcript, text),
        tuple(stands_in(question.answers, text) for question in case.questions),
        tuple(stands_in(question.answers, quotes(ask(case, question.text))) for question in case.questions),
        seconds,
    )


@dataclass(frozen=True)
class Score:
    """Shares from 0 to 1 over many pictures: the mean of the characters, and of all questions."""

    characters: float
    read: float
    quoted: float
    median_seconds: float

    @classmethod
    def of(cls, results: Iterable[Result]) -> "Score":
        """The score of `results`, of which there must be some."""
        results = list(results)
        return cls(
            statistics.mean(result.characters for result in results),
            statistics.mean(hit for result in results for hit in result.read),
            statistics.mean(hit for result in results for hit in result.quoted),
            statistics.median(result.seconds for result in results),
        )

    def __str__(self) -> str:
        return (
            f"characters {self.characters:.3f}  answers in the transcript {self.read:.3f}  "
            f"in the quotes {self.quoted:.3f}  median {self.median_seconds:.2f} s"
        )
