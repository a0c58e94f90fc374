"""Gets attached pictures ready while their question is being typed, so that the answer begins sooner.

They are converted as when they are sent, and an engine that is idle and has a prompt cache reads them into it
(`app/upstream/warm_up.py`). That is never in the way of a question. What fails is no error: the question does it again.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from app.background import spawn
from app.errors import HistoryError
from app.lazily import openai
from app.page.asking.attachments import Attachments
from app.page.live_chats import Session, chat_of, has_chat, owner_of
from app.page.threads import resuming
from app.page.threads.saving import Keeper
from app.talk.conversation import Answer, Picture, Turn
from app.talk.fitting import TooLongError
from app.telemetry.metrics import instruments
from app.turn.job import Job
from app.turn.request import make_warm_up
from app.upstream.client import EngineClient
from app.upstream.offer import can_call_tools
from app.upstream.state import EngineState

MOST_FILES = 20
"""Of one question; the page lets nobody attach more."""
MOST_A_MINUTE = 12
"""Prompts that the engine reads ahead for one user."""
_MOST_USERS = 1000
_OTHERS_SECONDS = 300.0
"""An engine that can't stop in the middle of a picture reads none ahead so long after the question of another user."""
_PATIENCE = 600.0
"""How long the engine may be busy until nothing is read ahead any more, in seconds."""
_LOOK_SECONDS = 0.25
_OPENED_SECONDS = 1.0
"""How long a chat must be open before its pictures are read: users look through their chats."""
_log = logging.getLogger("app.page")


@dataclass
class _Draft:
    """What is attached in a window and not sent yet."""

    files: tuple[str, ...] = ()
    sent: set[str] = field(default_factory=set)
    """Those of `files` that a question has taken."""
    pictures: list[Picture] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


class WarmUps:
    """The drafts of all windows. With `on` False nothing is done before a question is sent."""

    def __init__(self, state: EngineState, attachments: Attachments, keeper: Keeper, *, on: bool) -> None:
        self._state = state
        self._attachments = attachments
        self._keeper = keeper
        self._on = on
        self._drafts: WeakKeyDictionary[Session, _Draft] = WeakKeyDictionary()
        self._reading: Session | None = None
        """The window whose prompt the engine reads now."""
        self._turn = asyncio.Lock()
        self._begun: OrderedDict[str, deque[float]] = OrderedDict()
        """By user: when the engine was last asked to read ahead."""
        self._asked: OrderedDict[str, float] = OrderedDict()
        """By user: when they last asked something; the latest is the last."""

    def attached(self, session: Session, files: object) -> None:
        """A page has other attachments than before: the ids of those that are uploaded, in their order."""
        if not self._on or not isinstance(files, list):
            return
        known = itertools.takewhile(lambda one: isinstance(one, str) and one in session.files, files[:MOST_FILES])
        uploaded = tuple(known)
        draft = self._drafts.setdefault(session, _Draft())
        if uploaded == draft.files:
            return
        before = draft.task
        if set(draft.files) - draft.sent and uploaded[: len(draft.files)] != draft.files:
            self._drop(draft)
            before = None
        draft.files, draft.sent = uploaded, set()
        if uploaded:
            draft.task = spawn(self._warm_up(session, draft, uploaded, before))

    def opened(self, session: Session) -> None:
        """A saved chat has been opened."""
        if self._on and session not in self._drafts:
            draft = self._drafts[session] = _Draft()
            draft.task = spawn(self._reread(session, draft))

    def asked(self, session: Session, files: Iterable[str] = ()) -> None:
        """A question with these files has come, or a button was pressed: it goes first."""
        owner = owner_of(session)
        self._asked[owner] = time.monotonic()
        self._asked.move_to_end(owner)
        if len(self._asked) > _MOST_USERS:
            self._asked.popitem(last=False)
        if draft := self._drafts.get(session):
            draft.sent |= set(files)
        client = self._state.client() if self._reading not in {None, session} else None
        if client:
            client.warm_up.cancel()

    def left(self, session: Session) -> None:
        """The page is gone, or shows another chat."""
        if draft := self._drafts.pop(session, None):
            self._drop(draft)

    def _drop(self, draft: _Draft) -> None:
        if draft.task:
            draft.task.cancel()
        self._attachments.drop_unsent(draft.pictures)
        draft.pictures = []

    async def _warm_up(
        self, session: Session, draft: _Draft, files: tuple[str, ...], before: asyncio.Task[None] | None
    ) -> None:
        """Converts the attachments and has the engine read them, after the same for those before them."""
        if before:
            try:
                await asyncio.wait([before])
            except asyncio.CancelledError:
                before.cancel()
                raise
        try:
            await resuming.load(self._keeper, session, chat_of(session))
            paths = [(Path(file["path"]), file["name"]) for one in files if (file := session.files.get(one))]
            pictures = await self._attachments.take_ahead(session, paths)
        except HistoryError as error:
            _log.warning("nothing is read ahead in a chat that could not be read: %s", error)
            return
        if self._drafts.get(session) is not draft or draft.files[: len(files)] != files:
            self._attachments.drop_unsent(pictures)
            return
        draft.pictures = pictures
        if pictures:
            await self._read(session, draft, files, _PATIENCE)

    async def _reread(self, session: Session, draft: _Draft) -> None:
        """Has the engine read a chat that has pictures, unless it is busy."""
        await asyncio.sleep(_OPENED_SECONDS)
        if any(turn.pictures for turn in chat_of(session).conversation.turns):
            await self._read(session, draft, (), patience=0.0)

    async def _read(self, session: Session, draft: _Draft, files: tuple[str, ...], patience: float) -> None:
        """Has the engine read the chat and the attachments once it is idle, again if it was interrupted."""
        end = time.monotonic() + patience
        while draft.files == files and not draft.sent and has_chat(session):
            client = self._state.client()
            if client is None or not _reads_ahead(client, session):
                return
            if self._is_free(client, session):
                async with self._turn:
                    if not self._admits(owner_of(session)) or await self._ask(client, session, draft):
                        return
            if time.monotonic() > end:
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def _ask(self, client: EngineClient, session: Session, draft: _Draft) -> bool:
        """Returns whether that is all, rather than that a question was more important."""
        chat, files = chat_of(session), draft.files
        turns = [*chat.conversation.turns, Turn("next", "", draft.pictures)]
        try:
            body = await make_warm_up(client, Job(turns, Answer(), session.chat_settings))
        except (TooLongError, OSError, openai.APIError):
            return True
        await _show(session, files, "looking")
        self._reading = session
        try:
            outcome = await client.warm_up.run(body) if client.idle and not chat.tasks else "gave_way"
        finally:
            self._reading = None
        instruments().warm_ups.add(1, {"kimi.outcome": outcome})
        await _show(session, files, "seen" if outcome == "done" else "")
        return outcome != "gave_way"

    def _is_free(self, client: EngineClient, session: Session) -> bool:
        """Whether nobody needs the engine now, nor is likely to soon if that matters."""
        owner, since = owner_of(session), time.monotonic() - _OTHERS_SECONDS
        alone = all(other == owner or asked < since for other, asked in self._asked.items())
        ready = self._state.status().state == "ready" and client.idle and not chat_of(session).tasks
        return ready and not self._turn.locked() and (alone or client.plan.traits.side_requests)

    def _admits(self, owner: str) -> bool:
        """Whether more may be read ahead for this user now; counts it."""
        begun = self._begun.setdefault(owner, deque())
        self._begun.move_to_end(owner)
        if len(self._begun) > _MOST_USERS:
            self._begun.popitem(last=False)
        now = time.monotonic()
        while begun and begun[0] < now - 60:
            begun.popleft()
        if len(begun) >= MOST_A_MINUTE:
            return False
        begun.append(now)
        return True


def _reads_ahead(client: EngineClient, session: Session) -> bool:
    traits = client.plan.traits
    if traits.remote or not traits.caches_prompts:
        return False
    # The tools are part of the prompt, and are listed again for each turn.
    return not (session.chat_settings.get("tools") is True and can_call_tools(client))


async def _show(session: Session, files: tuple[str, ...], state: str) -> None:
    """Tells the page that the engine looks at these attachments (`looking`), has done so (`seen`), or neither."""
    if files:
        # Chainlit's annotation says that it returns nothing.
        emit: Any = session.emit
        await emit("read_ahead", {"files": files, "state": state})
