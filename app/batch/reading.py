"""One file of a batch: its pages as pictures, one question about them, and the answer."""

from __future__ import annotations

import re
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from app import i18n
from app.batch.results import Result, Source
from app.files.pictures import PictureError
from app.files.uploads import Notice, UploadStore
from app.lazily import openai
from app.talk.conversation import Answer, Picture, Turn, new_id
from app.talk.fitting import Fit, TooLongError
from app.talk.settings import ChatSettings
from app.turn.job import Job
from app.turn.run import run
from app.upstream.progress import Pulse
from app.upstream.state import EngineState
from app.upstream.stream import BrokenStreamError, StreamedError
from engine.reasoning_tags import Piece
from engine.status import EngineStatus

READ_ALL = "Read all the text in the image."
"""The question about each page where none was given."""
MOST_PAGES = 500
"""Of one file."""
_LONGEST_REASON = 300
_BLOCK = re.compile(r"```\w*\n(.*)\n```", re.DOTALL)
_ENGINE_FAULTS = (openai.APIError, httpx2.HTTPError, BrokenStreamError, StreamedError)


@dataclass
class _File:
    """What is known of a file while it is read."""

    path: Path
    folder: str
    """Below the uploads, for its pictures."""
    pages: int = 0
    drawn: int = 0
    model: str = ""
    notes: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """Adds a sentence, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)


class FileReader:
    """Reads files with the running engine; safe to use for several at once."""

    def __init__(self, state: EngineState, uploads: Path, question: str = "") -> None:
        self._state = state
        self._uploads = uploads
        self._store = UploadStore(uploads)
        self._question = question

    async def read(self, path: Path, source: Source) -> Result:
        """The result of the file at `path`, which `source` describes. A fault of file or engine is a result too.

        Raises:
            EngineFailedError: the engine has failed for good, so that no other file can be read either.
        """
        began = time.monotonic()
        file = _File(path, f"batch-{uuid.uuid4()}")
        try:
            answer, error = await self._answer(file), ""
        except PictureError as fault:
            answer, error = "", _sentence(Notice(fault.key, fault.values))
        except OSError as fault:
            answer, error = "", f"It can't be read: {fault.strerror or fault}."
        except TooLongError:
            answer, error = "", "Its pages do not fit into the model: read it without --question, page by page."
        except _ENGINE_FAULTS as fault:
            reason = (str(fault).strip().splitlines() or [type(fault).__name__])[0]
            answer, error = "", f"The engine gave no answer: {reason[:_LONGEST_REASON]}"
        finally:
            shutil.rmtree(self._uploads / file.folder, ignore_errors=True)
        seconds = round(time.monotonic() - began, 3)
        return Result(source, file.pages, answer, error, file.notes, seconds, file.model)

    def close(self) -> None:
        """Ends the decoding threads."""
        self._store.close()

    async def _answer(self, file: _File) -> str:
        at_once = (await self._state.ready()).model.pictures_per_prompt
        if self._question:
            pictures = [picture async for group in self._pictures(file, at_once, at_once) for picture in group]
            return await self._ask(self._question, pictures, file)
        answers = []
        async for group in self._pictures(file, MOST_PAGES, at_once):
            # The parts of one long picture overlap, and belong together.
            asked = [group] if file.pages == 1 else [[picture] for picture in group]
            answers += [_without_fence(await self._ask(READ_ALL, pictures, file)) for pictures in asked]
        return "\n\n".join(answers)

    async def _pictures(self, file: _File, most: int, at_once: int) -> AsyncIterator[list[Picture]]:
        """The pages, `at_once` at a time, so that all parts of a long picture or a video come together.

        They are at most `most` in all; the others are noted as left out.
        """
        limits = (await self._state.ready()).picture_limits
        while not file.pages or file.drawn < min(file.pages, most):
            group = min(at_once, most - file.drawn)
            stored = await self._store.take(file.path, file.path.name, file.folder, limits, group, first=file.drawn)
            file.pages = stored.pages
            file.drawn += len(stored.pictures)
            for notice in stored.notices:
                if notice.key != "pages_left_out":
                    file.note(_sentence(notice))
            yield stored.pictures
        if file.drawn < file.pages:
            values = {"name": file.path.name, "shown": file.drawn, "total": file.pages}
            file.note(_sentence(Notice("pages_left_out", values)))

    async def _ask(self, question: str, pictures: Sequence[Picture], file: _File) -> str:
        job = Job([Turn(new_id(), question, list(pictures))], Answer(), {})
        figures = await run(self._state, job, _Unseen())
        file.model = figures.model
        if figures.finish_reason == "length":
            names = ", ".join(picture.name for picture in pictures)
            file.note(f"The answer to {names} ended at the token limit.")
        return job.answer.text.strip()


def _without_fence(answer: str) -> str:
    """The text of an answer that is one code block, as the reader gives a whole text."""
    block = _BLOCK.fullmatch(answer)
    return block[1] if block and "```" not in block[1] else answer


def _sentence(notice: Notice) -> str:
    return i18n.text(notice.key, "en", True, **notice.values)


class _Unseen:
    """A `View` of a turn that nobody watches."""

    async def waiting(self, status: EngineStatus) -> None:
        """The engine is not ready."""

    async def asking(self, settings: ChatSettings, fitted: Fit, can_answer_now: bool) -> None:
        """The question is sent."""

    async def interrupted(self) -> None:
        """The engine died."""

    async def pulse(self, pulse: Pulse | None) -> None:
        """It is still there."""

    async def stalled(self, seconds: float | None) -> None:
        """It is silent: the connection's own limit ends that."""

    async def show(self, piece: Piece) -> None:
        """A frame of the answer."""
