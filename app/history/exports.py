"""A thread as files: as Markdown with its pictures in a zip, to be read, and as JSON, to be taken in again elsewhere.

The JSON has everything: all branches, all answers, feedback, settings, and the pictures' bytes. What is taken in is
checked as any upload is: the pictures are decoded and written anew, and everything gets new ids.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import re
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.conversation import Answer, Conversation, Picture, Turn, new_id
from app.history.store import Thread, title
from app.i18n import Language, text
from app.pictures import MAX_PIXELS, PictureError, PictureLimits, normalise
from app.settings import ChatSettings
from app.uploads import display_name

FORMAT = "kimi-vl-chat"
VERSION = 1
_MOST_TURNS = 10_000
_MOST_PICTURES = 200
_AS_IT_IS = PictureLimits(MAX_PIXELS, MAX_PIXELS)
_NOT_IN_A_NAME = re.compile(r"[^\w.() -]+")
_OF_AN_ANSWER = [field.name for field in fields(Answer) if field.name != "id"]


class ImportedError(Exception):
    """A file is no chat that can be taken in; `key` names the sentence for people."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class _Part(BaseModel):
    # What a later version adds to the format is left out.
    model_config = ConfigDict(extra="ignore", strict=True)


class _Picture(_Part):
    name: str = Field(max_length=1000)
    data: str


class _Answer(_Part):
    reasoning: str = ""
    text: str = ""
    ending: Literal["stop", "length", "stopped", "error"] | None = None
    seconds_thinking: float | None = None
    engine_splits: bool = False
    line: str = Field("", max_length=1000)
    instant: bool = False
    thinking_cut: bool = False
    feedback: Literal[0, 1] | None = None
    comment: str = Field("", max_length=10_000)


class _Turn(_Part):
    id: str = Field(min_length=1, max_length=100)
    parent: str = Field("", max_length=100)
    page_id: str = Field("", max_length=100)
    asked: float = Field(0.0, ge=0, lt=1e12, allow_inf_nan=False)
    text: str
    chosen: int = -1
    pictures: list[_Picture] = Field(default_factory=list, max_length=1000)
    answers: list[_Answer] = Field(default_factory=list, max_length=1000)


class _Chat(_Part):
    format: Literal["kimi-vl-chat"]
    version: int = Field(ge=1)
    name: str
    preset: str = Field("", max_length=100)
    settings: dict[str, Any] = Field(default_factory=dict)
    shown: str = ""
    turns: list[_Turn] = Field(min_length=1, max_length=_MOST_TURNS)


def to_json(thread: Thread) -> bytes:
    """The whole thread; a picture whose file is gone is left out."""
    conversation = thread.conversation
    everything = sorted([*conversation.turns, *conversation.aside], key=lambda turn: turn.asked)
    chat = {
        "format": FORMAT,
        "version": VERSION,
        "name": thread.name,
        "preset": thread.preset,
        "settings": thread.settings,
        "shown": conversation.turns[-1].id if conversation.turns else "",
        "turns": [_turn_dict(turn) for turn in everything],
    }
    return orjson.dumps(chat, option=orjson.OPT_INDENT_2)


def from_json(data: bytes, thread_id: str, uploads: Path) -> Thread:
    """Takes a thread in as `thread_id`; its pictures are written below `uploads`. The owner is left open.

    Raises:
        ImportedError: it is no such file, or one of its pictures cannot be used.
    """
    try:
        chat = _Chat.model_validate(orjson.loads(data))
    except (ValidationError, orjson.JSONDecodeError) as error:
        raise ImportedError("import_unknown") from error
    if chat.version > VERSION:
        raise ImportedError("import_newer")
    if sum(len(turn.pictures) for turn in chat.turns) > _MOST_PICTURES:
        raise ImportedError("import_too_much")
    ids: dict[str, str] = {}
    page_ids: dict[str, str] = {}
    turns = []
    for part in sorted(chat.turns, key=lambda turn: turn.asked):
        # A parent stands before its children, so that no branch can bite its own tail.
        if part.id in ids or (part.parent and part.parent not in ids):
            raise ImportedError("import_unknown")
        ids[part.id] = new_id()
        page_id = page_ids.setdefault(part.page_id or part.id, ids[part.id])
        turns.append(_turn(part, ids, page_id, uploads / thread_id))
    conversation = Conversation(aside=turns)
    conversation.switch(ids.get(chat.shown, turns[-1].id))
    settings = {name: chat.settings[name] for name in ChatSettings.__annotations__ if name in chat.settings}
    return Thread(thread_id, "", title(chat.name), chat.preset, settings, conversation=conversation)


def to_zip(thread: Thread, language: Language) -> bytes:
    """The branch that is shown as `chat.md`, with its pictures beside it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as folder:
        names: dict[Picture, str] = {}
        for turn in thread.conversation.turns:
            for picture in turn.pictures:
                path = Path(picture.path)
                if picture not in names and path.is_file():
                    name = f"pictures/{len(names) + 1:02}-{file_name(Path(picture.name).stem)}{path.suffix}"
                    # Pictures are compressed already.
                    folder.write(path, name, zipfile.ZIP_STORED)
                    names[picture] = name
        folder.writestr("chat.md", _markdown(thread, names, language))
    return file.getvalue()


def file_name(words: str) -> str:
    """Words as the name of a file on any system."""
    return _NOT_IN_A_NAME.sub("_", words).strip(" ._")[:60] or "chat"


def _markdown(thread: Thread, names: dict[Picture, str], language: Language) -> str:
    parts = [f"# {thread.name}"]
    for turn in thread.conversation.turns:
        parts.append(f"## {text('export_question', language)}")
        parts += [f"![]({names[picture].replace(' ', '%20')})" for picture in turn.pictures if picture in names]
        if turn.text.strip():
            parts.append(turn.text)
        for answer in turn.answers:
            chosen = answer is turn.answer
            parts.append(f"## {text('export_answer' if chosen else 'export_other_answer', language)}")
            if answer.reasoning:
                summary = text("thinking", language)
                parts.append(f"<details><summary>{summary}</summary>\n\n{answer.reasoning}\n\n</details>")
            parts.append(answer.text)
            if answer.line:
                parts.append(f"*{answer.line}*")
    return "\n\n".join(part for part in parts if part.strip()) + "\n"


def _turn_dict(turn: Turn) -> dict[str, Any]:
    return {
        "id": turn.id,
        "parent": turn.parent,
        "page_id": turn.page_id,
        "asked": turn.asked,
        "text": turn.text,
        "chosen": turn.chosen,
        "pictures": [
            {"name": picture.name, "data": base64.b64encode(Path(picture.path).read_bytes()).decode()}
            for picture in turn.pictures
            if Path(picture.path).is_file()
        ],
        "answers": [{name: getattr(answer, name) for name in _OF_AN_ANSWER} for answer in turn.answers],
    }


def _turn(part: _Turn, ids: dict[str, str], page_id: str, folder: Path) -> Turn:
    answers = [Answer(**{name: getattr(answer, name) for name in _OF_AN_ANSWER}) for answer in part.answers]
    pictures = [_picture(picture, folder) for picture in part.pictures]
    chosen = min(max(part.chosen, 0), len(answers) - 1)
    parent = ids[part.parent] if part.parent else ""
    return Turn(ids[part.id], part.text, pictures, answers, chosen, page_id, parent, part.asked)


def _picture(part: _Picture, folder: Path) -> Picture:
    try:
        picture = normalise(base64.b64decode(part.data, validate=True), _AS_IT_IS)
    except (PictureError, binascii.Error, ValueError) as error:
        raise ImportedError("import_picture") from error
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{hashlib.sha256(picture.data).hexdigest()}.{picture.extension}"
    path.write_bytes(picture.data)
    return Picture(str(path), display_name(part.name), picture.width, picture.height)
