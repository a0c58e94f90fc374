"""Merges other sessions' changes to a thread into the conversation of a session that has it open. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.history.copies import Copy, Seen, fingerprint
from app.history.store import News
from app.talk.conversation import Answer, Conversation, Turn


@dataclass
class Merged:
    """What has changed on the branch that the session shows."""

    changed: list[Turn] = field(default_factory=list)
    """Turns with another answer, or a new version of their question."""
    added: list[Turn] = field(default_factory=list)
    """Turns at its end."""


def merge(conversation: Conversation, copy: Copy, news: News) -> Merged:
    """Merges the news into the conversation, whose own changes must all have been saved.

    The current branch stays; it only grows if a question was asked below its last turn.
    """
    merged = Merged()
    mine = {turn.id: turn for turn in (*conversation.turns, *conversation.aside)}
    counts = {turn.id: conversation.place(turn) for turn in conversation.turns}
    differ = set()
    for theirs in news.turns:
        turn = mine.get(theirs.id)
        if turn is None:
            conversation.aside.append(theirs)
            copy.saw(theirs, news.revisions)
        elif _take(turn, theirs, copy, news):
            differ.add(turn.id)
    merged.changed = [
        turn for turn in conversation.turns if turn.id in differ or conversation.place(turn) != counts[turn.id]
    ]
    merged.added = conversation.grow({turn.id for turn in news.turns} - mine.keys())
    copy.revision = news.revision
    return merged


def _take(turn: Turn, theirs: Turn, copy: Copy, news: News) -> bool:
    """Updates a turn to its state in the database; returns whether that changed anything visible."""
    before, known = turn.answer, {answer.id: answer for answer in turn.answers}
    seen = _look(turn)
    for at, answer in enumerate(theirs.answers):
        own = known.get(answer.id)
        if own is None:
            copy.answers[answer.id] = Seen(news.revisions[answer.id], fingerprint(answer))
        else:
            _update(own, answer, copy, news.revisions[answer.id])
            theirs.answers[at] = own
    there = {answer.id for answer in theirs.answers}
    # An answer not in the database and never seen there has not been saved yet, so no one has removed it. An empty
    # answer is shown only by the session that requested it.
    own_only = [
        answer for answer in turn.answers if answer.id not in there and (answer.empty or answer.id not in copy.answers)
    ]
    turn.answers = theirs.answers + own_only
    chosen = news.choices[turn.id]
    if chosen not in there and before in turn.answers:
        chosen = before.id if before else ""
    turn.choose(chosen)
    copy.choices[turn.id] = turn.answer.id if turn.answer else ""
    return _look(turn) != seen


def _update(own: Answer, theirs: Answer, copy: Copy, revision: int) -> None:
    """Copies the text if it is newer, and the feedback, which the user may have given in any session."""
    own.feedback, own.comment = theirs.feedback, theirs.comment
    seen = copy.answers.get(own.id)
    if seen is None or seen.revision != revision:
        for name, value in vars(theirs).items():
            setattr(own, name, value)
        copy.answers[own.id] = Seen(revision, fingerprint(own))


def _look(turn: Turn) -> tuple[object, ...]:
    """The visible part of a turn's answers."""
    answer = turn.answer
    return (len(turn.answers), turn.chosen, *(vars(answer).values() if answer else ()))
