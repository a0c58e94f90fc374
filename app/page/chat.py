"""One live chat: what is known of a browser session beyond what Chainlit keeps, and what may be asked in it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from app.history.copies import Copy
from app.i18n import Language
from app.page.answer.view import AnswerView
from app.talk.conversation import Answer, Conversation, Picture, Turn
from app.turn.job import Job

MOST_WAITING = 10
"""As many questions wait behind the one that is being answered, at most."""
MOST_CHARACTERS = 4_000_000
"""Of all questions of a chat that wait or are being answered, as they came."""
MOST_MEMORY = 256 * 1024 * 1024
"""Bytes that the texts of one chat may take before no more is asked in it, and those of all open chats of a person."""
_MOST_TAKEN = 1000
"""So many ids of questions are remembered. A page repeats a question within seconds, not after a thousand others."""


@dataclass
class Chat:
    """One session's conversation, how its turns are shown, and which of them is being answered."""

    language: Language
    conversation: Conversation = field(default_factory=Conversation)
    views: dict[str, AnswerView] = field(default_factory=dict)
    running: AnswerView | None = None
    job: Job | None = None
    """What the engine is being asked, while it is."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a turn is answered: one at a time."""
    tasks: dict[asyncio.Task[Any], int] = field(default_factory=dict)
    """What works on this chat or waits to, in the order in which it came, with its size in characters."""
    answering: asyncio.Task[Any] | None = None
    """The one of them that has the turn."""
    copy: Copy | None = None
    """What of the thread in the history this session has seen; None until it has something to do with it."""
    unsaved: dict[str, Turn] = field(default_factory=dict)
    """Turns that could not be written yet, by id."""
    warned: bool = False
    """Whether the page has been told so."""
    lost: dict[str, int] = field(default_factory=dict)
    """How many pictures of a turn are gone from the disk, by its id."""
    loading: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the conversation comes out of the history."""
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a page that has connected is shown the thread, and while a question is taken in."""
    taken: dict[str, None] = field(default_factory=dict)
    """The ids of the last questions that this session has taken in, in their order."""
    coming: dict[str, asyncio.Event] = field(default_factory=dict)
    """Those of them that are not kept yet; the event says that one is, or never will be."""
    panel: dict[str, Any] = field(default_factory=dict)
    """The values that the settings panel shows."""
    size: int = 0
    """Bytes of memory that its texts take, as far as people have written or brought them in."""
    shown: bool = False
    """Whether its page has been given turns of the history, so that the page and the views have the same ids."""

    @property
    def kept(self) -> bool:
        """Whether the history has this thread."""
        return self.copy is not None and self.copy.kept

    def admits(self, size: int) -> bool:
        """Whether a question of so many characters may be asked now."""
        return not self.tasks or (len(self.tasks) <= MOST_WAITING and sum(self.tasks.values()) + size < MOST_CHARACTERS)

    def begin(self, task: asyncio.Task[Any], size: int = 0) -> None:
        """Counts a task, which works on `size` characters, until it has ended."""
        self.tasks[task] = size
        task.add_done_callback(lambda done: self.tasks.pop(done, None))

    @contextlib.asynccontextmanager
    async def one_turn(self) -> AsyncIterator[None]:
        """The calling task has the turn meanwhile; it waits for it first. Stop reaches it from then on."""
        async with self.turn:
            self.answering = asyncio.current_task()
            try:
                yield
            finally:
                self.answering = None

    def stop(self) -> None:
        """Ends what has the turn, which is what the page shows; what waits comes next."""
        if self.answering:
            self.answering.cancel()

    def give_up(self) -> None:
        """Ends everything, also what waits: nobody is there to read it."""
        for task in list(self.tasks):
            task.cancel()

    async def end(self, seconds: float) -> None:
        """Gives up and waits, `seconds` at most, until all is kept as it stays: a question that waited is kept then."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.tasks:
                    self.give_up()
                    await asyncio.wait(list(self.tasks))

    def take_out(self, turn: Turn, answer: Answer) -> None:
        """Removes an answer of which nothing is worth keeping, from the history too when the turn is saved."""
        chosen = turn.answer
        turn.answers = [other for other in turn.answers if other is not answer]
        turn.choose(chosen.id if chosen else "")
        if self.copy:
            self.copy.removed.add(answer.id)

    def find(self, turn_id: str) -> Turn | None:
        """The turn of this id, if it is in the conversation."""
        at = self.conversation.index(turn_id)
        return None if at is None else self.conversation.turns[at]

    def asked(self, page_id: str) -> Turn | None:
        """The turn of a question that is on the page, if it has got that far."""
        return next((turn for turn in self.conversation.turns if turn.page_id == page_id), None)

    def pictures_of(self, page_id: str) -> list[Picture] | None:
        """The pictures of a question that is already on the page; None: it is new."""
        turn = self.asked(page_id)
        return turn.pictures if turn else None

    def answer_in(self, run_id: str) -> Answer | None:
        """The answer that is shown in this run of Chainlit's."""
        shown = (turn for turn in self.conversation.turns if turn.id in self.views)
        return next((turn.answer for turn in shown if self.views[turn.id].parent_id == run_id), None)

    def wish(self, turn: Turn, name: str) -> None:
        """Passes on a wish about `turn`, which is being answered; nothing happens where it has ended meanwhile."""
        if self.job is None or self.running is not self.views[turn.id]:
            return
        if name == "answer_now":
            self.job.answer_now.set()
        elif name == "keep_waiting":
            self.job.keep_waiting.set()
        else:
            self.stop()

    def take(self, question: str) -> None:
        """Takes a question in, which is `settled` when it is kept or refused."""
        self.taken[question] = None
        if len(self.taken) > _MOST_TAKEN:
            del self.taken[next(iter(self.taken))]
        self.coming[question] = asyncio.Event()

    def settled(self, question: str) -> None:
        """Says that a question is kept, or never will be."""
        if event := self.coming.pop(question, None):
            event.set()

    async def all_settled(self, seconds: float) -> None:
        """Waits until each question that was taken in is kept or refused, `seconds` at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for event in list(self.coming.values()):
                    await event.wait()
