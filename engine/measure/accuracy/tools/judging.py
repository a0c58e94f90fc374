"""Whether a conversation went right, and the figures of all of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from jsonschema import Draft202012Validator

from engine.measure.accuracy.reply import Call
from engine.measure.accuracy.report import Score
from engine.measure.accuracy.tools.tasks import Task, Wanted


@dataclass(frozen=True)
class Conversation:
    """What the model did: all its calls in order, and its answer after the last result."""

    calls: tuple[Call, ...] = ()
    text: str = ""

    def as_text(self) -> str:
        """For the file of answers."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def of(cls, text: str) -> Conversation:
        """From the file of answers."""
        raw = json.loads(text)
        return cls(tuple(Call(**call) for call in raw["calls"]), raw["text"])


@dataclass(frozen=True)
class Verdict:
    """What was right; None: there was nothing to judge."""

    called: bool
    """Those tools that it should call, or none if it should not."""
    valid: tuple[bool, ...]
    """Of each call, whether the tool is on offer and the arguments fit its schema."""
    arguments: bool | None
    """Whether each call that it should make was made with the right values."""
    answered: bool
    """Whether the answer says what it must, from the results if there were calls."""

    @property
    def right(self) -> bool:
        """Whether all of it was."""
        return self.called and all(self.valid) and self.arguments is not False and self.answered


def judge(task: Task, conversation: Conversation) -> Verdict:
    """The verdict on one conversation."""
    made = conversation.calls
    said = _plain(conversation.text)
    return Verdict(
        # Who says nothing at all has not rightly called nothing.
        called=bool(made or said) and {call.name for call in made} == {wanted.name for wanted in task.calls},
        valid=tuple(_is_valid(task, call) for call in made),
        arguments=all(any(fits(wanted, call) for call in made) for wanted in task.calls) if task.calls else None,
        answered=bool(said) and all(any(_plain(one) in said for one in group) for group in task.answer),
    )


def fits(wanted: Wanted, call: Call) -> bool:
    """Whether this is the call that is wanted."""
    arguments = _object(call.arguments)
    if call.name != wanted.name or arguments is None:
        return False
    return all(_is_one_of(arguments.get(name), values) for name, values in wanted.arguments.items())


def is_object(arguments: str) -> bool:
    """Whether the arguments are a JSON object."""
    return _object(arguments) is not None


def scores(pairs: Sequence[tuple[Task, Verdict]]) -> list[Score]:
    """The figures in per cent of what there was to judge, and how much that was."""
    with_picture = [verdict.right for task, verdict in pairs if task.picture]
    return [
        *_share("called, or rightly not", [verdict.called for _, verdict in pairs]),
        *_share("calls that fit the schema", (one for _, verdict in pairs for one in verdict.valid)),
        *_share("right arguments", (verdict.arguments for _, verdict in pairs if verdict.arguments is not None)),
        *_share("result used in the answer", (verdict.answered for task, verdict in pairs if task.calls)),
        *_share("with a picture, all right", with_picture),
        *_share("all right", [verdict.right for _, verdict in pairs]),
    ]


def _share(name: str, found: Iterable[bool]) -> list[Score]:
    judged = list(found)
    if not judged:
        return []
    return [Score(f"{name} ({sum(judged)} of {len(judged)})", 100 * sum(judged) / len(judged), "%")]


def _is_valid(task: Task, call: Call) -> bool:
    function, arguments = task.functions.get(call.name), _object(call.arguments)
    if function is None or arguments is None:
        return False
    return bool(Draft202012Validator(function["parameters"]).is_valid(arguments))


def _object(arguments: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(arguments.strip() or "{}")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_one_of(given: object, values: Sequence[Any]) -> bool:
    for value in values:
        if isinstance(value, str) and isinstance(given, str):
            # "Oslo, Norway" is Oslo.
            if _folded(given) == _folded(value) or _folded(given).startswith(f"{_folded(value)},"):
                return True
        elif given == value and not isinstance(given, bool):
            return True
    return False


def _folded(text: str) -> str:
    return re.sub(r"\s+", "", text).casefold()


def _plain(text: str) -> str:
    """In lower case, with one form of apostrophe, and numbers without separators of thousands."""
    return re.sub(r"(?<=\d)[,\u202f\u00a0 ](?=\d{3})", "", text.strip().casefold().replace("’", "'"))
