"""What other sessions have done to a thread, merged into the conversation of one that has it open. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.history.copies import Copy, Seen, fingerprint
from app.history.store import News
from app.talk.conversation import Answer, Conversation, Turn


@dataclass
class Merged:
    """What is different now on the branch that the session shows."""

    changed: list[Turn] = field(default_factory=list)
    """Turns with another answer, or one more version of their question."""
    added: list[Turn] = field(default_factory=list)
    """Turns at its end."""


def merge(conversation: Conversation, copy: Copy, news: News) -> Merged:
    """Takes the news into the conversation, whose own changes must all have been saved.

    The branch shown stays; it only becomes longer where somebody has asked below its last turn.
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
    """Makes a turn as it is in the database; whether that changed anything that can be seen."""
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
    # Not there and never seen there: it has not been written yet, so nobody has removed it. And one that never began is
    # shown by the session that asked for it alone.
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
    """Takes the words over, if they are newer, and the feedback, which its reader may have given anywhere."""
    own.feedback, own.comment = theirs.feedback, theirs.comment
    seen = copy.answers.get(own.id)
    if seen is None or seen.revision != revision:
        for name, value in vars(theirs).items():
            setattr(own, name, value)
        copy.answers[own.id] = Seen(revision, fingerprint(own))


def _look(turn: Turn) -> tuple[object, ...]:
    """What of a turn's answers is on the page."""
    answer = turn.answer
    return (len(turn.answers), turn.chosen, *(vars(answer).values() if answer else ()))
