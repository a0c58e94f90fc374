"""Question and pictures → what is said: notes on the reading as it goes on, then the answer."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from PIL import Image

from engine.reader.recogniser import Line
from engine.reader.worker import Waiting, Worker
from engine.reader.writer import Piece


@dataclass(frozen=True)
class Question:
    """What is asked. The last `new` of the pictures came with the question, the others with earlier ones.

    `begun` is the beginning of an answer that is to be gone on with; None: it begins anew.
    """

    text: str
    pictures: list[Image.Image]
    new: int
    begun: str | None = None


async def reply(worker: Worker, question: Question) -> AsyncGenerator[Piece, None]:
    """Reads the pictures and answers."""
    answer = ""
    for number, picture in enumerate(question.pictures, 1):
        notes: list[str] = [f"Picture {number}: {picture.width} x {picture.height} pixels. "]
        lines: list[Line] = []
        async with aclosing(worker.read(picture)) as steps:
            async for step in steps:
                if isinstance(step, Waiting):
                    notes.append(f"{step.ahead} ahead in the queue. ")
                else:
                    lines = step
                    mean = sum(line.score for line in lines) / max(1, len(lines))
                    notes.append(f"{len(lines)} lines of text, mean confidence {mean:.2f}.\n")
                for note in notes:
                    if question.begun is None:
                        yield Piece("reasoning", note)
                notes = []
        answer += _transcript(lines)
    answer = answer or "Send a picture: this engine reads the text in pictures."
    if question.begun and answer.startswith(question.begun):
        answer = answer[len(question.begun) :]
    for line in answer.splitlines(keepends=True):
        yield Piece("content", line)


def _transcript(lines: list[Line]) -> str:
    if not lines:
        return "No text was found in the picture.\n"
    ordered = sorted(lines, key=lambda line: (round(line.box[:, 1].mean() / 10), line.box[:, 0].min()))
    text = "\n".join(unicodedata.normalize("NFKC", line.text) for line in ordered)
    return f"```text\n{text}\n```\n"
