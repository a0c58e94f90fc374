"""What a session has seen of a thread in the database: the basis on which its changes are merged into the thread.

A session works on its own objects. When it saves, the copy separates what this session has changed since it last saw
the database and what other sessions have; nothing else is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from app.history import records
from app.talk.conversation import Answer, Turn
from app.talk.parts import Stretch


class Seen(NamedTuple):
    """An answer when the session and the database last agreed on it."""

    revision: int
    """Its revision in the database: the thread's revision when it was last written."""
    fingerprint: int
    """A hash of its content in the session."""


@dataclass
class Copy:
    """One session's view of one thread. It includes the owner, whom every read and write must name."""

    user_id: str
    thread_id: str
    preset: str = ""
    kept: bool = False
    """Whether the thread is in the database. If it was and is gone, it is not created again."""
    revision: int = 0
    """The thread's revision up to which the session's conversation is complete."""
    last: str = ""
    """The last turn of the current branch, as this session last read or wrote it."""
    settings: dict[str, Any] = field(default_factory=dict)
    """The thread's settings, as this session last read or wrote them."""
    choices: dict[str, str] = field(default_factory=dict)
    """The id of each turn's chosen answer, by the turn's id, as this session last read or wrote it."""
    answers: dict[str, Seen] = field(default_factory=dict)
    """By the answer's id."""
    removed: set[str] = field(default_factory=set)
    """Answers that this session has removed and the database still has."""

    def changed_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings that the session itself has changed."""
        return {
            key: value for key, value in settings.items() if key not in self.settings or self.settings[key] != value
        }

    def wrote(self, revision: int) -> None:
        """Records the revision of this session's write, unless there is a gap before it, which the next merge fills."""
        if revision == self.revision + 1:
            self.revision = revision

    def saw(self, turn: Turn, revisions: Mapping[str, int]) -> None:
        """Records a turn just read from the database, with the revisions of its answers."""
        self.choices[turn.id] = turn.answer.id if turn.answer else ""
        for answer in turn.answers:
            self.answers[answer.id] = Seen(revisions[answer.id], fingerprint(answer))


def fingerprint(answer: Answer) -> int:
    """A hash of an answer's content and details, without its feedback, which is saved separately."""
    words = tuple((part.kind, part.text if isinstance(part, Stretch) else repr(part)) for part in answer.parts)
    return hash((words, records.figures_text(answer), records.details(answer)))
