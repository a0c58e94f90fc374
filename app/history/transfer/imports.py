"""Imports a thread from a file written by `exports.py`.

Its content is checked like any upload: pictures are decoded and encoded again, and everything gets new ids.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import mmap
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Annotated, Any, Literal

import orjson
from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from sqlalchemy import insert

from app.files.pictures import MAX_PIXELS, NormalPicture, PictureError, PictureLimits
from app.files.uploads import display_name
from app.history import records
from app.history.database import Database
from app.history.store import Thread, file_of, title
from app.history.tables import answers, pictures, threads, turns
from app.history.transfer.exports import VERSION
from app.talk.conversation import Conversation, Picture, Turn, new_id
from app.talk.parts import ResultPicture, ToolResult
from app.talk.places import PicturePlaces
from app.talk.settings import stored

MOST_VALUES = 500_000
"""The most values in a file's JSON."""
MOST_TURNS = 10_000
MOST_ANSWERS = 20_000
MARK = ".import"
"""A file in a thread's folder of uploads while its import is not complete."""
_MOST_PICTURES = 200
_ROWS = 200
_FIRST_REVISION = 1
_AS_IT_IS = PictureLimits(MAX_PIXELS, MAX_PIXELS)

Normalise = Callable[[bytes, PictureLimits], Awaitable[NormalPicture]]
"""Normalises a picture, as `UploadStore.normalised` does."""


class ImportedError(Exception):
    """A file cannot be imported; `key` names the message for users."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class _PictureFile(BaseModel):
    name: str = Field(max_length=1000)
    data: str
    """Its bytes in base64."""


def _with_pictures_apart(turn: object) -> object:
    """Splits a turn of a file into the turn itself and its pictures, which become separate files."""
    if not isinstance(turn, dict):
        return turn
    answers = turn.get("answers", [])
    if isinstance(answers, list):
        answers = [_with_parts(answer) for answer in answers]
    whole = {"asked": 0.0, **turn, "pictures": [], "answers": answers}
    return whole, turn.get("pictures", []), turn.get("result_pictures", {})


def _with_parts(answer: object) -> object:
    """An answer of a file; converts version 1 of the format, which had reasoning and text instead of parts."""
    if not isinstance(answer, dict) or "parts" in answer:
        return answer
    parts = [{"kind": kind, "text": answer[kind]} for kind in ("reasoning", "text") if answer.get(kind)]
    return {**answer, "parts": parts}


class _Chat(BaseModel):
    format: Literal["kimi-vl-chat"]
    version: int = Field(ge=1)
    name: str
    preset: str = Field("", max_length=100)
    settings: dict[str, Any] = Field(default_factory=dict)
    shown: str = ""
    turns: list[
        Annotated[
            tuple[
                Turn,
                Annotated[list[_PictureFile], Field(max_length=1000)],
                Annotated[dict[str, str], Field(max_length=1000)],
            ],
            BeforeValidator(_with_pictures_apart),
        ]
    ] = Field(min_length=1)


async def take_in(file: IO[bytes], thread_id: str, uploads: Path, normalise: Normalise) -> Thread:
    """Reads `file` into a thread with the id `thread_id`, without an owner yet; writes its pictures below `uploads`.

    Their folder gets a mark that `folder_of_an_import` removes.

    Raises:
        ImportedError: it is not such a file, or one of its pictures cannot be used.
        OSError: a picture could not be written.
    """
    chat = await asyncio.to_thread(_read, file)
    ids: dict[str, str] = {}
    page_ids: dict[str, str] = {}
    names: dict[str, str] = {}
    taken = []
    left, folder = _MOST_PICTURES, uploads / thread_id
    for turn, files, results in sorted(chat.turns, key=lambda one: one[0].asked):
        # A parent must precede its children, so no branch can be a cycle.
        if turn.id in ids or (turn.parent and turn.parent not in ids):
            raise ImportedError("import_unknown")
        ids[turn.id] = new_id()
        turn.page_id = page_ids.setdefault(turn.page_id, ids[turn.id])
        turn.pictures = [await _picture(file, folder, normalise, names) for file in files]
        _give_ids(turn, ids)
        _give_names(turn, names)
        # More of them than an import may have are left out, since no chat limits them.
        wanted = dict(list(results.items())[:left])
        left -= len(wanted)
        _give_pictures(
            turn,
            {
                file: await _picture(_PictureFile(name="", data=data), folder, normalise, names)
                for file, data in wanted.items()
            },
        )
        taken.append(turn)
    conversation = Conversation(aside=taken)
    await asyncio.to_thread(conversation.switch, ids.get(chat.shown, taken[-1].id))
    return Thread(thread_id, "", title(chat.name), chat.preset, stored(chat.settings), conversation=conversation)


async def keep(database: Database, uploads: Path, thread: Thread, user_id: str) -> None:
    """Saves a new thread as a whole, for this user.

    Raises:
        HistoryError: nothing was written.
    """
    everything = [*thread.conversation.turns, *thread.conversation.aside]
    now = time.time()
    row = {
        "id": thread.id,
        "user_id": user_id,
        "name": thread.name,
        "preset": records.clean(thread.preset),
        "created": now,
        "updated": now,
        "settings": records.settings_text(thread.settings),
        "last_turn": thread.conversation.turns[-1].id,
        "revision": _FIRST_REVISION,
        "file": file_of(thread.conversation.turns),
    }
    async with database.writing() as connection:
        await connection.execute(insert(threads).values(**row))
        # In batches, so that the event loop serves others in between.
        for some in _some(everything):
            for table, rows in await asyncio.to_thread(_rows, some, thread.id, uploads):
                if rows:
                    await connection.execute(insert(table), rows)


@asynccontextmanager
async def folder_of_an_import(folder: Path) -> AsyncIterator[None]:
    """Deletes the folder of the thread's pictures if the import fails."""
    try:
        yield
    except BaseException:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        raise
    with suppress(FileNotFoundError):
        (folder / MARK).unlink()


def _some(everything: Sequence[Turn]) -> Iterator[list[Turn]]:
    for at in range(0, len(everything), _ROWS):
        yield list(everything[at : at + _ROWS])


def _rows(some: Sequence[Turn], thread_id: str, uploads: Path) -> list[tuple[Any, list[dict[str, Any]]]]:
    return [
        (turns, [_turn_row(turn, thread_id) for turn in some]),
        (pictures, [row for turn in some for row in records.picture_values(turn, thread_id, uploads)]),
        (answers, [row for turn in some for row in _answer_rows(turn)]),
    ]


def _turn_row(turn: Turn, thread_id: str) -> dict[str, Any]:
    chosen = turn.answer.id if turn.answer else ""
    return {**records.turn_values(turn, thread_id), "chosen_answer": chosen, "changed": _FIRST_REVISION}


def _answer_rows(turn: Turn) -> list[dict[str, Any]]:
    return [
        {
            "id": answer.id,
            "turn_id": turn.id,
            "position": place,
            **records.answer_values(answer),
            **records.feedback_values(answer),
        }
        for place, answer in enumerate(turn.answers)
    ]


def _read(file: IO[bytes]) -> _Chat:
    try:
        # Memory-mapped, so the file is not copied into memory for the parser.
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
            parsed = orjson.loads(view)
        chat = _Chat.model_validate(parsed)
    except (ValueError, ValidationError) as error:
        raise ImportedError("import_unknown") from error
    if chat.version > VERSION:
        raise ImportedError("import_newer")
    if len(chat.turns) > MOST_TURNS or sum(len(turn.answers) for turn, *_ in chat.turns) > MOST_ANSWERS:
        raise ImportedError("import_too_long")
    if sum(len(files) for _, files, _ in chat.turns) > _MOST_PICTURES:
        raise ImportedError("import_too_much")
    return chat


def _give_ids(turn: Turn, ids: dict[str, str]) -> None:
    """Replaces a file's ids; the chosen answer is given by its position."""
    turn.id, turn.parent = ids[turn.id], ids[turn.parent] if turn.parent else ""
    turn.chosen = min(max(turn.chosen, 0), len(turn.answers) - 1)
    for answer in turn.answers:
        answer.id = new_id()


def _give_pictures(turn: Turn, taken: Mapping[str, Picture]) -> None:
    """Replaces the pictures of results by those that were taken from the file."""
    for step in (step for answer in turn.answers for step in answer.steps if isinstance(step, ToolResult)):
        known = [(picture.name, taken[picture.file]) for picture in step.pictures if picture.file in taken]
        step.pictures = [
            ResultPicture(Path(one.path).name, display_name(name), one.width, one.height) for name, one in known
        ]


def _give_names(turn: Turn, names: dict[str, str]) -> None:
    """Leads the places in pictures to their new files; `names` has these by the hash of the old ones."""
    for answer in turn.answers:
        known = [(names.get(Path(one.file).stem), one.places) for one in answer.places]
        answer.places = [PicturePlaces(name, places) for name, places in known if name]


async def _picture(part: _PictureFile, folder: Path, normalise: Normalise, names: dict[str, str]) -> Picture:
    """Writes a picture; notes its new name in `names`."""
    try:
        data = await asyncio.to_thread(base64.b64decode, part.data, validate=True)
        part.data = ""
        picture = await normalise(data, _AS_IT_IS)
    except (PictureError, binascii.Error, ValueError) as error:
        raise ImportedError("import_picture") from error
    path = folder / f"{hashlib.sha256(picture.data).hexdigest()}.{picture.extension}"
    await asyncio.to_thread(_write, path, picture.data)
    names[hashlib.sha256(data).hexdigest()] = path.name
    return Picture(str(path), display_name(part.name), picture.width, picture.height)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    # Also marks the import as still running.
    (path.parent / MARK).touch()
    path.write_bytes(data)
