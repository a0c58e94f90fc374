"""Exports a thread: as Markdown for reading, in a zip if it has pictures, and as JSON for importing elsewhere.

The JSON has everything: all branches, all answers, feedback, settings, and the pictures' bytes. Both are streamed.
"""

from __future__ import annotations

import asyncio
import base64
import html
import io
import re
import zipfile
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import aiofiles
import aiofiles.os
import orjson
from pydantic import TypeAdapter

from app.history.records import writable_time
from app.history.transfer.reading import ReadAnswer, ReadTurn, ThreadReader
from app.i18n import Language, text
from app.talk.conversation import LAST_SECOND, Answer, Picture
from app.talk.footer import footer_line
from app.talk.parts import ResultPicture, Step, ToolCall, ToolResult

FORMAT = "kimi-vl-chat"
VERSION = 2
"""1 had reasoning and text instead of parts, and a line instead of figures."""
_ANSWER = TypeAdapter(Answer)
_READ_BYTES = 3 * 64 * 1024
"""Bytes of a picture read at once; a multiple of three, so that its base64 needs no padding."""
_NOT_IN_A_NAME = re.compile(r"[^\w.() -]+")
_MARKUP = re.compile(r"[\\`*_\[\]<>&]")


async def chat_json(thread: ThreadReader) -> AsyncIterator[bytes]:
    """The whole thread; a picture whose file is gone is left out.

    Raises:
        HistoryError: the thread has since been deleted, or the database does not answer.
    """
    outline = await thread.outline()
    shown = outline.shown()
    head = {
        "format": FORMAT,
        "version": VERSION,
        "name": outline.name,
        "preset": outline.preset,
        "settings": outline.settings,
        "shown": shown[-1].id if shown else "",
    }
    yield orjson.dumps(head)[:-1] + b',"turns":['
    comma = b"\n"
    async for turn in thread.turns(outline.turns):
        yield comma
        async for piece in _turn_json(thread, turn):
            yield piece
        comma = b",\n"
    yield b"\n]}\n"


async def has_pictures(thread: ThreadReader) -> bool:
    """Whether the current branch has a picture whose file is still there.

    Raises:
        HistoryError: the thread has since been deleted, or the database does not answer.
    """
    by_turn = await thread.pictures()
    shown = (await thread.outline()).shown()
    paths = [picture.path for turn in shown for picture in by_turn.get(turn.id, [])]
    parts = [part for turn in shown for answer in turn.answers for part in answer.parts]
    paths += [thread.of_result(picture).path for picture in _result_pictures(parts)]
    return any([await aiofiles.os.path.isfile(path) for path in paths])


async def chat_markdown(thread: ThreadReader, language: Language) -> AsyncIterator[bytes]:
    """The current branch as one file, for a chat without pictures.

    Raises:
        HistoryError: the thread has since been deleted, or the database does not answer.
    """
    async for words in _markdown(thread, {}, language):
        yield words.encode()


async def chat_zip(thread: ThreadReader, language: Language) -> AsyncIterator[bytes]:
    """The current branch as `chat.md`, with its pictures beside it.

    Raises:
        HistoryError: the thread has since been deleted, or the database does not answer.
    """
    sink, names = _Sink(), dict[Picture, str]()
    # If the client disconnects, this is closed when it is garbage-collected.
    folder = zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED)
    with folder.open("chat.md", "w") as file:
        async for words in _markdown(thread, names, language):
            await asyncio.to_thread(file.write, words.encode())
            yield sink.take()
    for picture, name in names.items():
        # Stored, since pictures are already compressed.
        with folder.open(zipfile.ZipInfo(name), "w") as file:
            async for data in _bytes_of(picture):
                file.write(data)
                yield sink.take()
    folder.close()
    yield sink.take()


def file_name(words: str) -> str:
    """`words` as a file name that is valid on any system."""
    return _NOT_IN_A_NAME.sub("_", words).strip(" ._")[:60] or "chat"


class _Sink(io.RawIOBase):
    """A write-only file whose content is taken out as it grows."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        """Appends bytes."""
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """What has been written since the last call."""
        data = b"".join(self._parts)
        self._parts.clear()
        return data


async def _markdown(thread: ThreadReader, names: dict[Picture, str], language: Language) -> AsyncIterator[str]:
    """The text; fills `names` with the pictures' names on the way."""
    outline = await thread.outline()
    yield f"# {_plain(outline.name)}"
    async for turn in thread.turns(outline.shown()):
        yield f"\n\n## {text('export_question', language)} · {_time(turn.head.asked)}"
        for picture in turn.pictures:
            yield await _picture_markdown(picture, names, language)
        async for words in _paragraph(turn.text):
            yield words
        for number, answer in enumerate(turn.answers):
            yield f"\n\n## {text('export_answer' if number == turn.chosen else 'export_other_answer', language)}"
            async for words in _answer_markdown(thread, answer, names, language):
                yield words
    yield "\n"


async def _picture_markdown(picture: Picture, names: dict[Picture, str], language: Language) -> str:
    """A picture's place in the text; adds its name in the zip, unless its file is gone."""
    path = Path(picture.path)
    if picture not in names and await aiofiles.os.path.isfile(path):
        names[picture] = f"pictures/{len(names) + 1:02}-{file_name(Path(picture.name).stem)}{path.suffix}"
    if picture in names:
        return f"\n\n![{_plain(picture.name)}]({names[picture].replace(' ', '%20')})"
    return f"\n\n*{text('export_picture_gone', language, name=_plain(picture.name))}*"


def _time(asked: float) -> str:
    """Unix time to the minute, in this machine's time zone."""
    # A day before the end of the calendar, which no time zone passes.
    moment = datetime.fromtimestamp(min(writable_time(asked), LAST_SECOND - 86_400)).astimezone()
    return f"{moment:%Y-%m-%d %H:%M %Z}"


def _plain(words: str) -> str:
    """Text on one line that is no markup."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(words.split()))


async def _answer_markdown(
    thread: ThreadReader, answer: ReadAnswer, names: dict[Picture, str], language: Language
) -> AsyncIterator[str]:
    for part in answer.parts:
        if isinstance(part, Step):
            yield _step_markdown(part, language)
            for picture in _result_pictures([part]):
                yield await _picture_markdown(thread.of_result(picture), names, language)
            continue
        kind, slices = part
        async for words in _folded(slices, language) if kind == "reasoning" else _paragraph(slices):
            yield words
    if line := footer_line(answer.about, language):
        yield f"\n\n*{line}*"


def _step_markdown(step: Step, language: Language) -> str:
    """A call or a result, folded, in a fence that its text can't end."""
    name = text("step_call", language, tool=step.name) if isinstance(step, ToolCall) else text("step_result", language)
    words = step.arguments if isinstance(step, ToolCall) else step.text
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", words)), default=0))
    title = html.escape(name.replace("\n", " "))
    return f"\n\n<details><summary>{title}</summary>\n\n{fence}\n{words}\n{fence}\n\n</details>"


async def _folded(slices: AsyncIterator[str], language: Language) -> AsyncIterator[str]:
    """Reasoning, folded; nothing if there is none."""
    before = f"\n\n<details><summary>{text('thinking', language)}</summary>\n\n"
    async for words in slices:
        if words:
            yield before + words
            before = ""
    if not before:
        yield "\n\n</details>"


async def _paragraph(slices: AsyncIterator[str]) -> AsyncIterator[str]:
    """A paragraph, unless it is blank."""
    before = "\n\n"
    async for words in slices:
        if not before or words.strip():
            yield before + words
            before = ""


def _result_pictures(parts: Iterable[object]) -> list[ResultPicture]:
    return [picture for part in parts if isinstance(part, ToolResult) for picture in part.pictures]


async def _turn_json(thread: ThreadReader, turn: ReadTurn) -> AsyncIterator[bytes]:
    head = turn.head
    about = {"id": head.id, "parent": head.parent, "page_id": head.page_id, "chosen": turn.chosen}
    about |= {"asked": writable_time(head.asked)}
    yield orjson.dumps(about)[:-1] + b',"text":'
    async for piece in _string(turn.text):
        yield piece
    yield b',"pictures":['
    comma = b""
    for picture in turn.pictures:
        if await aiofiles.os.path.isfile(picture.path):
            yield comma + b'{"name":' + orjson.dumps(picture.name) + b',"data":"'
            async for data in _bytes_of(picture):
                yield base64.b64encode(data)
            yield b'"}'
            comma = b","
    yield b'],"result_pictures":{'
    comma = b""
    by_file = {one.file: one for answer in turn.answers for one in _result_pictures(answer.parts)}
    for file, result in by_file.items():
        picture = thread.of_result(result)
        if await aiofiles.os.path.isfile(picture.path):
            yield comma + orjson.dumps(file) + b':"'
            async for data in _bytes_of(picture):
                yield base64.b64encode(data)
            yield b'"'
            comma = b","
    yield b'},"answers":['
    comma = b""
    for answer in turn.answers:
        yield comma
        async for piece in _answer_json(answer):
            yield piece
        comma = b","
    yield b"]}"


async def _answer_json(answer: ReadAnswer) -> AsyncIterator[bytes]:
    yield _ANSWER.dump_json(answer.about, exclude={"id", "parts"})[:-1] + b',"parts":['
    comma = b""
    for part in answer.parts:
        if isinstance(part, Step):
            yield comma + orjson.dumps(part)
            comma = b","
            continue
        kind, slices = part
        yield comma + orjson.dumps({"kind": kind})[:-1] + b',"text":'
        async for piece in _string(slices):
            yield piece
        yield b"}"
        comma = b","
    yield b"]}"


async def _string(slices: AsyncIterator[str]) -> AsyncIterator[bytes]:
    yield b'"'
    async for words in slices:
        yield orjson.dumps(words)[1:-1]
    yield b'"'


async def _bytes_of(picture: Picture) -> AsyncIterator[bytes]:
    async with aiofiles.open(picture.path, "rb") as file:
        while data := await file.read(_READ_BYTES):
            yield data
