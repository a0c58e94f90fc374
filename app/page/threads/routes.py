"""Routes for the history in addition to Chainlit's: pictures, pins, feedback."""

from __future__ import annotations

import re
from typing import Annotated

from chainlit.session import WebsocketSession
from chainlit.types import DeleteFeedbackRequest, UpdateFeedbackRequest
from fastapi import APIRouter, Body, HTTPException
from fastapi.responses import FileResponse, JSONResponse

from app.access.signed_in import SignedIn
from app.history.store import History, OwnHistory
from app.history.users import SignedInUser, Users
from app.page.chat import Chat
from app.page.live_chats import chat_of, rated
from app.page.threads.resuming import PICTURE_URL

_PICTURE = re.compile(r"[0-9a-f]{64}\.(png|jpg)")
_YEAR = 365 * 24 * 60 * 60


def routes(history: History, users: Users) -> APIRouter:
    """The routes; they precede Chainlit's, whose feedback routes do not check the owner."""
    router = APIRouter()

    @router.get(PICTURE_URL)
    async def picture(thread: str, file: str, user: SignedIn) -> FileResponse:
        # 404 for another user's thread too, so that its existence is not revealed.
        if not _PICTURE.fullmatch(file) or not await (await _own(history, users, user)).has(thread):
            raise HTTPException(404)
        path = history.uploads / thread / file
        # A symbolic link placed there could lead to any file of the owner's.
        if not path.is_file() or path.resolve() != history.uploads.resolve() / thread / file:
            raise HTTPException(404)
        # A file is named by its content's hash, so it never changes.
        return FileResponse(path, headers={"Cache-Control": f"private, max-age={_YEAR}, immutable"})

    @router.put("/feedback")
    async def rate(update: UpdateFeedbackRequest, user: SignedIn) -> JSONResponse:
        feedback = update.feedback
        answer = _own_chat(update.sessionId, user.identifier).answer_in(feedback.forId)
        if answer is None or feedback.value not in {0, 1}:
            raise HTTPException(404)
        comment = (feedback.comment or "")[:10_000]
        if not await (await _own(history, users, user)).rate(answer.id, feedback.value, comment):
            raise HTTPException(404)
        answer.feedback, answer.comment = feedback.value, comment
        return JSONResponse({"success": True, "feedbackId": answer.id})

    @router.delete("/feedback")
    async def take_back(payload: DeleteFeedbackRequest, user: SignedIn) -> JSONResponse:
        if not await (await _own(history, users, user)).rate(payload.feedbackId, None):
            raise HTTPException(404)
        for answer in rated(payload.feedbackId):
            answer.feedback, answer.comment = None, ""
        return JSONResponse({"success": True})

    _add_pins(router, history, users)
    return router


def _add_pins(router: APIRouter, history: History, users: Users) -> None:
    @router.put("/api/threads/{thread_id}/pinned", status_code=204)
    async def pin(thread_id: str, pinned: Annotated[bool, Body(embed=True)], user: SignedIn) -> None:
        own = await _own(history, users, user)
        if not await own.has(thread_id):
            raise HTTPException(404)
        await own.change(thread_id, pinned=pinned)


async def _own(history: History, users: Users, user: SignedInUser) -> OwnHistory:
    return history.of(await users.id_of(user))


def _own_chat(session_id: str, identifier: str) -> Chat:
    """The live chat of a browser's session, if it is this user's."""
    session = WebsocketSession.get_by_id(session_id)
    if session is None or session.user is None or session.user.identifier != identifier:
        raise HTTPException(404)
    return chat_of(session)
