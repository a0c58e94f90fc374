"""What a user may do with their own login: see it, and end it, here or everywhere."""

from __future__ import annotations

import chainlit as cl
from chainlit.auth import clear_auth_cookie
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from app.access.logins import login_in
from app.access.rules import Rules
from app.access.signed_in import LOGIN_COOKIE, SignedIn, Token
from app.access.still_allowed import Welcome
from app.i18n import language_of, text
from app.telemetry import logs

_CLEAR = {"Clear-Site-Data": '"cache"'}
"""Browsers cache pictures for a year, and the next user of the browser could see them."""


def account(welcome: Welcome, rules: Rules) -> APIRouter:
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
    async def user(request: Request, user: SignedIn, token: Token) -> JSONResponse:
        """Chainlit's route, plus what this user may see and do."""
        login = login_in(token or "")
        kind = login.kind if login else "local"
        language = language_of(request.headers.get("accept-language"))
        shown = {"display_name": text("shared_account", language)} if kind == "shared" else {}
        may = {
            "watches": welcome.watches(token or ""),
            "signsOut": kind != "local",
            "hasPassword": kind == "own",
        }
        return JSONResponse({**user.to_dict(), **shown, "metadata": may}, headers={"Cache-Control": "no-store"})

    @router.get("/api/sign-in")
    async def sign_in() -> JSONResponse:
        """For the form: whether it has to ask for a name."""
        return JSONResponse({"names": rules.asks_for_names()}, headers={"Cache-Control": "no-store"})

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
