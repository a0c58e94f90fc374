"""Users change their own password on the page."""

from __future__ import annotations

import asyncio
import math

from chainlit.auth import set_auth_cookie
from chainlit.auth.jwt import create_jwt
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from app.access.guesses import Guesses, TooManyGuessesError
from app.access.logins import Login, login_in
from app.access.rules import Rules
from app.access.sign_in import LONGEST_PASSWORD, user_for
from app.access.signed_in import SignedIn, Token
from app.errors import Refusal
from app.telemetry import logs
from engine.access.passwords import SHORTEST_PASSWORD, People


class _Change(BaseModel):
    old: str = Field(max_length=LONGEST_PASSWORD)
    new: str = Field(max_length=LONGEST_PASSWORD)


def own_password(people: People, rules: Rules) -> APIRouter:
    """The route."""
    router = APIRouter()
    guesses = Guesses()
    gate = asyncio.Semaphore(1)

    @router.post("/api/password")
    async def change(change: _Change, request: Request, user: SignedIn, token: Token) -> Response:
        """Changes the user's password. All other logins end, and this browser gets another one."""
        login = login_in(token or "")
        if login is None or login.kind != "own":
            raise Refusal(403, "password_elsewhere")
        if len(change.new) < SHORTEST_PASSWORD:
            raise Refusal(400, "password_short", least=SHORTEST_PASSWORD)
        await replace(login, change)
        logs.event("password changed")
        response = JSONResponse({"success": True})
        renewed = rules.begin(login.identity, "own", people.mark(login.identity) or "")
        set_auth_cookie(request, response, create_jwt(user_for(renewed)))
        return response

    async def replace(login: Login, change: _Change) -> None:
        try:
            # Wrong passwords count for this login, so that nobody locks out another one.
            async with guesses.one(login.identity, "", login.id) as forgive, gate:
                if not await asyncio.to_thread(people.verify, login.identity, change.old):
                    raise Refusal(403, "password_wrong")
                forgive()
                await asyncio.to_thread(people.set_password, login.identity, change.new)
        except TooManyGuessesError as refusal:
            raise Refusal(429, "refused_guesses", minutes=math.ceil(refusal.seconds / 60)) from None

    return router
