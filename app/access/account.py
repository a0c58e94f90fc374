"""What a user may do with their own login: see it, and end it, here or everywhere."""

from __future__ import annotations

import chainlit as cl
from chainlit.auth import clear_auth_cookie
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from app.access.logins import login_in
from app.access.signed_in import LOGIN_COOKIE, SignedIn, Token
from app.access.still_allowed import Welcome
from app.telemetry import logs

_CLEAR = {"Clear-Site-Data": '"cache"'}
"""Browsers cache pictures for a year, and the next user of the browser could see them."""


def account(welcome: Welcome) -> APIRouter:
    """The routes, which precede Chainlit's; also makes Chainlit's logout end the login itself."""
    router = APIRouter()

    @cl.on_logout
    async def signed_out(request: Request, response: Response) -> dict[str, bool]:
        # Chainlit clears the cookie.
        if token := await LOGIN_COOKIE(request):
            await _sign_out(token, everywhere=False)
        response.headers.update(_CLEAR)
        return {"success": True}

    @router.get("/user")
    async def user(user: SignedIn, token: Token) -> JSONResponse:
        """Chainlit's route, plus which of the page's links this user may see."""
        login = login_in(token or "")
        may = {"watches": welcome.watches(token or ""), "signsOut": login is not None and login.kind != "local"}
        return JSONResponse({**user.to_dict(), "metadata": may}, headers={"Cache-Control": "no-store"})

    @router.post("/api/sign-out-everywhere")
    async def sign_out_everywhere(request: Request, user: SignedIn, token: Token) -> Response:
        await _sign_out(token or "", everywhere=True)
        response = JSONResponse({"success": True}, headers=_CLEAR)
        clear_auth_cookie(request, response)
        return response

    async def _sign_out(token: str, *, everywhere: bool) -> None:
        if await welcome.sign_out(token, everywhere=everywhere):
            logs.event("signed out", everywhere=everywhere)

    return router
