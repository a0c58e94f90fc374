"""What a session has seen of a thread in the database: the basis on which its changes are merged into the thread.

A session works on objects of its own. When it saves, the copy shows which of them it has changed since it last saw the
database, and which of them somebody else has changed since; nothing else is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from app.history import records
from app.talk.conversation import Answer, Turn


class Seen(NamedTuple):
    """An answer when the session and the database last agreed on it."""

    revision: int
    """Its revision in the database: the thread's at which it was written last."""
    fingerprint: int
    """Of its content in the session."""


@dataclass
class Copy:
    """One session's view of one thread. It names the owner, without whom nothing is read or written."""

    user_id: str
    thread_id: str
    preset: str = ""
    kept: bool = False
    """Whether the history has the thread; one that it had is never made a second time."""
    revision: int = 0
    """Of the thread: what was written up to it is in the session's conversation."""
    last: str = ""
    """The last turn of the branch shown, as this session saw or wrote it last."""
    settings: dict[str, Any] = field(default_factory=dict)
    """The thread's settings, as this session saw or wrote them last."""
    choices: dict[str, str] = field(default_factory=dict)
    """The id of the answer that counts, by the turn's id, as this session saw or wrote it last."""
    answers: dict[str, Seen] = field(default_factory=dict)
    """By the answer's id."""
    removed: set[str] = field(default_factory=set)
    """Answers that this session has taken out, which the database still has."""

    def changed_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the session's settings that it has changed itself."""
        return {
            key: value for key, value in settings.items() if key not in self.settings or self.settings[key] != value
        }

    def wrote(self, revision: int) -> None:
        """Notes the revision that a write of this session made. A gap before it is left for the next merge."""
        if revision == self.revision + 1:
            self.revision = revision

    def saw(self, turn: Turn, revisions: Mapping[str, int]) -> None:
        """Notes a turn that has just come out of the database, with the revisions of its answers."""
        self.choices[turn.id] = turn.answer.id if turn.answer else ""
        for answer in turn.answers:
            self.answers[answer.id] = Seen(revisions[answer.id], fingerprint(answer))


def fingerprint(answer: Answer) -> int:
    """Changes with what an answer says and is known by. Feedback is not part of it: it is written by itself."""
    words = tuple((part.kind, part.text) for part in answer.parts)
    return hash((words, records.figures_text(answer), records.details(answer)))
