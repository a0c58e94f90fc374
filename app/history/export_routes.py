"""What browsers fetch and send to take a chat away and to bring one in."""

from __future__ import annotations

import asyncio
import shutil
from typing import Annotated, Any
from urllib.parse import quote

from chainlit.auth import get_current_user
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from app.conversation import new_id
from app.history.copies import Copy
from app.history.exports import ImportedError, file_name, from_json, to_json, to_zip
from app.history.store import History, Thread
from app.history.users import Users
from app.i18n import language_of, text

IMPORT_PATH = "/api/threads/import"
SignedIn = Annotated[Any, Depends(get_current_user)]


def export_routes(history: History, users: Users) -> APIRouter:
    """The routes, each for a person's own threads only."""
    router = APIRouter()
    one_at_a_time = asyncio.Lock()

    async def own(thread_id: str, user: Any) -> Thread:
        thread = await history.of(await users.id_of(user)).load(thread_id)
        if thread is None:
            raise HTTPException(404)
        return thread

    @router.get("/api/threads/{thread_id}/chat.zip")
    async def as_markdown(thread_id: str, request: Request, user: SignedIn) -> Response:
        thread = await own(thread_id, user)
        data = await asyncio.to_thread(to_zip, thread, language_of(request.headers.get("accept-language")))
        return _download(data, f"{file_name(thread.name)}.zip", "application/zip")

    @router.get("/api/threads/{thread_id}/chat.json")
    async def as_json(thread_id: str, user: SignedIn) -> Response:
        thread = await own(thread_id, user)
        return _download(await asyncio.to_thread(to_json, thread), f"{file_name(thread.name)}.json", "application/json")

    @router.get("/api/answers/{answer_id}/answer.md")
    async def answer(answer_id: str, user: SignedIn) -> Response:
        found = await history.of(await users.id_of(user)).answer(answer_id)
        if found is None:
            raise HTTPException(404)
        words, name = found
        return _download(words.encode(), f"{file_name(name)}.md", "text/markdown")

    @router.post(IMPORT_PATH)
    async def bring_in(request: Request, user: SignedIn) -> JSONResponse:
        data, thread_id = await request.body(), new_id()
        try:
            # One at a time: decoding pictures takes memory.
            async with one_at_a_time:
                thread = await asyncio.to_thread(from_json, data, thread_id, history.uploads)
            turns, last = thread.conversation.turns, thread.conversation.turns[-1].id
            copy = Copy(await users.id_of(user), thread_id, thread.preset)
            await history.save(copy, [*turns, *thread.conversation.aside], thread.settings, last)
            await history.of(copy.user_id).change(thread_id, name=thread.name)
        except BaseException as error:
            await asyncio.to_thread(shutil.rmtree, history.uploads / thread_id, ignore_errors=True)
            if isinstance(error, ImportedError):
                language = language_of(request.headers.get("accept-language"))
                raise HTTPException(400, text(error.key, language)) from None
            raise
        return JSONResponse({"threadId": thread_id})

    return router


def _download(data: bytes, name: str, kind: str) -> Response:
    """A reply that browsers write into a file of this name."""
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}", "Cache-Control": "no-store"}
    return Response(data, media_type=kind, headers=headers)
