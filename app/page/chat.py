"""One live chat: the state of a browser session beyond Chainlit's, and the limits on what may be asked in it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.files.page_range import PageRange
from app.history.copies import Copy
from app.i18n import Language
from app.page.answer.view import AnswerView
from app.talk.conversation import Answer, Conversation, Ending, Picture, Turn
from app.tools.host import Listing
from app.turn.consent import Decision
from app.turn.job import Job

MOST_WAITING = 10
"""The most questions that may wait behind the one being answered."""
MOST_CHARACTERS = 4_000_000
"""The limit for all waiting and running questions of a chat together, as they were sent."""
MOST_MEMORY = 256 * 1024 * 1024
"""Bytes that the texts of one chat may take before it is full; also the limit for all open chats of a user together."""
_DECISIONS: dict[str, Decision] = {"run_tool": "run", "always_tool": "always", "refuse_tool": "refuse"}
"""What the buttons below a call of a tool mean."""
_MOST_TAKEN = 1000
"""How many ids of questions to remember. A page resends a question within seconds, not after a thousand others."""


@dataclass
class Document:
    """A file that was sent with more pages than a question may have."""

    path: Path
    name: str
    pages: int
    seen: set[int] = field(default_factory=set)
    """The pages, counted from 1, that the chat has."""

    def has_more(self, pages: PageRange) -> bool:
        """Whether some of these pages can still be taken; the file is there as long as the page is open."""
        wanted = set(range(pages.first, min(pages.last, self.pages) + 1))
        return bool(wanted - self.seen) and self.path.exists()


@dataclass
class Chat:
    """One session's conversation, the views of its turns, and the turn in progress."""

    language: Language
    conversation: Conversation = field(default_factory=Conversation)
    views: dict[str, AnswerView] = field(default_factory=dict)
    running: AnswerView | None = None
    job: Job | None = None
    """The current request to the engine, if any."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a turn is answered, since only one runs at a time."""
    tasks: dict[asyncio.Task[Any], int] = field(default_factory=dict)
    """The tasks that work on this chat or wait to, oldest first, each with its size in characters."""
    answering: asyncio.Task[Any] | None = None
    """The task that holds `turn`."""
    ended: Ending | None = None
    """How the last turn's answer ended; None if it has none, or not yet."""
    copy: Copy | None = None
    """What this session has seen of the thread in the history; None until it first reads or writes it."""
    unsaved: dict[str, Turn] = field(default_factory=dict)
    """Turns not saved yet, by id."""
    warned: bool = False
    """Whether the page shows that saving failed."""
    lost: dict[str, int] = field(default_factory=dict)
    """How many pictures each turn has lost from the disk, by the turn's id."""
    loading: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the conversation is loaded from the history."""
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the thread is sent to a newly connected page, and while a question is accepted."""
    taken: dict[str, None] = field(default_factory=dict)
    """The ids of the questions this session accepted last, oldest first."""
    coming: set[str] = field(default_factory=set)
    """The ids of the accepted questions that are neither saved nor rejected yet."""
    document: Document | None = None
    """The last long document, whose other pages can be asked for."""
    panel: dict[str, Any] = field(default_factory=dict)
    """The values that the settings panel shows."""
    always: set[str] = field(default_factory=set)
    """The tools that run in this chat without a question, because the user said so."""
    listing: Listing = field(default_factory=Listing)
    """The tools that the panel names."""
    size: int = 0
    """Bytes of memory that its texts take, counting those that a user wrote or imported."""
    shown: bool = False
    """Whether its page has received turns from the history, so that page and views share ids."""
    comparing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while two answers are compared."""
    admin: bool = False
    """Whether its user is an admin, to whom commands and reasons are shown."""

    @property
    def kept(self) -> bool:
        """Whether the thread is in the history."""
        return self.copy is not None and self.copy.kept

    @property
    def asking(self) -> bool:
        """Whether its answer waits for the user's decision on a call."""
        return bool(self.job and self.job.tooling and self.job.tooling.consent.asking)

    def admits(self, size: int) -> bool:
        """Whether a question of `size` characters may be asked now."""
        return not self.tasks or (len(self.tasks) <= MOST_WAITING and sum(self.tasks.values()) + size < MOST_CHARACTERS)

    def begin(self, task: asyncio.Task[Any], size: int = 0) -> None:
        """Registers a task, which works on `size` characters, until it ends."""
        self.tasks[task] = size
        task.add_done_callback(lambda done: self.tasks.pop(done, None))

    @contextlib.asynccontextmanager
    async def one_turn(self) -> AsyncIterator[None]:
        """Waits for the turn and holds it for the calling task, which Stop then cancels."""
        async with self.turn:
            self.answering, self.ended = asyncio.current_task(), None
            try:
                yield
            finally:
                self.answering = None

    def stop(self) -> None:
        """Cancels the task that holds the turn, which is the one the page shows; the next one follows."""
        if self.answering:
            self.answering.cancel()

    def give_up(self) -> None:
        """Cancels all tasks, waiting ones included: the browser is gone."""
        for task in list(self.tasks):
            task.cancel()

    async def end(self, seconds: float) -> None:
        """Gives up, and waits at most `seconds` until everything is saved, questions that waited included."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.tasks:
                    self.give_up()
                    await asyncio.wait(list(self.tasks))

    def take_out(self, turn: Turn, answer: Answer) -> None:
        """Removes an empty answer; saving the turn then removes it from the history too."""
        chosen = turn.answer
        turn.answers = [other for other in turn.answers if other is not answer]
        turn.choose(chosen.id if chosen else "")
        if self.copy:
            self.copy.removed.add(answer.id)

    def find(self, turn_id: str) -> Turn | None:
        """The turn with this id, if it is in the conversation."""
        at = self.conversation.index(turn_id)
        return None if at is None else self.conversation.turns[at]

    def asked(self, page_id: str) -> Turn | None:
        """The turn of a question on the page, if it has become one yet."""
        return next((turn for turn in self.conversation.turns if turn.page_id == page_id), None)

    def pictures_of(self, page_id: str) -> list[Picture] | None:
        """The pictures of a question that already has a turn; None if it is new."""
        turn = self.asked(page_id)
        return turn.pictures if turn else None

    def answer_in(self, run_id: str) -> Answer | None:
        """The answer shown in this Chainlit run."""
        shown = (turn for turn in self.conversation.turns if turn.id in self.views)
        return next((turn.answer for turn in shown if self.views[turn.id].parent_id == run_id), None)

    def wish(self, turn: Turn, name: str, call_id: str = "") -> None:
        """Forwards a button press to the running `turn`; does nothing if it has already ended."""
        if self.job is None or self.running is not self.views[turn.id]:
            return
        if name == "answer_now":
            self.job.answer_now.set()
        elif name == "keep_waiting":
            self.job.keep_waiting.set()
        elif name in _DECISIONS:
            if self.job.tooling:
                self.job.tooling.consent.decide(call_id, _DECISIONS[name])
        else:
            self.stop()

    def take(self, question: str) -> None:
        """Marks a question as accepted; `settled` marks it as saved or rejected."""
        self.taken[question] = None
        if len(self.taken) > _MOST_TAKEN:
            del self.taken[next(iter(self.taken))]
        self.coming.add(question)

    def settled(self, question: str) -> None:
        """Marks a question as saved, or as one that never will be."""
        self.coming.discard(question)
