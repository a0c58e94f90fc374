"""The routes that export and import chats."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from app.access.signed_in import SignedIn
from app.errors import HistoryError, Refusal
from app.fair_queue import FairLine, LineFullError
from app.files.room import has_room
from app.files.uploads import UploadStore
from app.history.store import History
from app.history.transfer import imports
from app.history.transfer.downloads import Downloads
from app.history.transfer.exports import chat_json, chat_markdown, chat_zip, file_name, has_pictures
from app.history.transfer.imports import ImportedError
from app.history.transfer.reading import ThreadReader
from app.history.users import SignedInUser, Users
from app.i18n import language_of
from app.json_values import ValueCounter
from app.talk.conversation import new_id

IMPORT_PATH = "/api/threads/import"
_SMALL_BYTES = 4 * 1024 * 1024
_PATIENCE_SECONDS = 300.0
_WRITE_BYTES = 1024 * 1024


def export_routes(history: History, users: Users, store: UploadStore) -> APIRouter:
    """The routes, each for the user's own threads only."""
    router = APIRouter()
    downloads = Downloads()
    importing = _Importing(history, users, store)

    async def own(thread_id: str, user: SignedInUser) -> tuple[ThreadReader, str]:
        thread = ThreadReader(history.database, history.uploads, thread_id, await users.id_of(user))
        if (name := await thread.name()) is None:
            raise HTTPException(404)
        return thread, file_name(name)

    @router.get("/api/threads/{thread_id}/markdown")
    async def as_markdown(thread_id: str, request: Request, user: SignedIn) -> Response:
        thread, name = await own(thread_id, user)
        language = language_of(request.headers.get("accept-language"))
        if await has_pictures(thread):
            return downloads.reply(chat_zip(thread, language), user.identifier, f"{name}.zip", "application/zip")
        return downloads.reply(chat_markdown(thread, language), user.identifier, f"{name}.md", "text/markdown")

    @router.get("/api/threads/{thread_id}/chat.json")
    async def as_json(thread_id: str, user: SignedIn) -> Response:
        thread, name = await own(thread_id, user)
        return downloads.reply(chat_json(thread), user.identifier, f"{name}.json", "application/json")

    @router.get("/api/answers/{answer_id}/answer.md")
    async def answer(answer_id: str, user: SignedIn) -> Response:
        thread_id = await history.of(await users.id_of(user)).thread_of_answer(answer_id)
        if thread_id is None:
            raise HTTPException(404)
        thread, name = await own(thread_id, user)
        words = (piece.encode() async for piece in thread.answer(answer_id))
        return downloads.reply(words, user.identifier, f"{name}.md", "text/markdown")

    @router.post(IMPORT_PATH)
    async def bring_in(request: Request, user: SignedIn) -> JSONResponse:
        return JSONResponse({"threadId": await importing.take(request, user.identifier)})

    return router


class _Importing:
    """The imports of all users: one at a time for each user, and small ones do not wait for large ones."""

    def __init__(self, history: History, users: Users, store: UploadStore) -> None:
        self._history = history
        self._users = users
        self._store = store
        # Parsing and saving a file takes several times its size in memory.
        self._large = FairLine(at_once=2, of_one=1)
        self._small = FairLine(at_once=8, of_one=1)

    async def take(self, request: Request, person: str) -> str:
        """Imports a request's body and returns the id of the new thread.

        Raises:
            Refusal: it cannot be imported, the disk is full, or the user has too many imports waiting.
            HistoryError: it could not be written.
        """
        try:
            return await self._taken(request, person)
        except ImportedError as error:
            values = {"turns": imports.MOST_TURNS, "answers": imports.MOST_ANSWERS, "values": imports.MOST_VALUES}
            raise Refusal(400, error.key, **values) from None
        except LineFullError:
            raise Refusal(429, "refused_imports") from None
        except HistoryError as error:
            if _is_full(self._history.uploads):
                raise Refusal(507, "refused_disk") from error
            raise

    async def _taken(self, request: Request, person: str) -> str:
        # Unnamed, so that it disappears whatever happens.
        with await asyncio.to_thread(_nameless_file, self._history.uploads) as file:
            size = await _receive(request, file, self._history.uploads)
            line = self._small if size <= _SMALL_BYTES else self._large
            async with line.place(person, _PATIENCE_SECONDS):
                return await self._keep(file, person)

    async def _keep(self, file: IO[bytes], person: str) -> str:
        thread_id, uploads = new_id(), self._history.uploads
        user_id = (await self._users.get(person)).id
        normalise = partial(self._store.normalised, person=person)
        async with imports.folder_of_an_import(uploads / thread_id):
            thread = await imports.take_in(file, thread_id, uploads, normalise)
            await imports.keep(self._history.database, uploads, thread, user_id)
        return thread_id


def _nameless_file(folder: Path) -> IO[bytes]:
    return tempfile.TemporaryFile(dir=folder)


async def _receive(request: Request, file: IO[bytes], folder: Path) -> int:
    """Writes a request's body into `file`; returns its size in bytes.

    Raises:
        ImportedError: it holds too many values.
        Refusal: the disk is full.
    """
    counter, waiting, size = ValueCounter(), bytearray(), 0
    refused: Exception | None = None
    # Read to the end even if rejected: browsers ignore a response sent before that.
    async for chunk in request.stream():
        size += len(chunk)
        if refused:
            continue
        waiting += chunk
        if counter.feed(chunk) > imports.MOST_VALUES:
            refused = ImportedError("import_too_long")
        elif len(waiting) >= _WRITE_BYTES:
            refused = Refusal(507, "refused_disk") if _is_full(folder) else None
            await asyncio.to_thread(file.write, waiting)
            waiting = bytearray()
    if refused:
        raise refused
    await asyncio.to_thread(file.write, waiting)
    await asyncio.to_thread(file.flush)
    return size


def _is_full(folder: Path) -> bool:
    with suppress(OSError):
        return not has_room(folder)
    return False
