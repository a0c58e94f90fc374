"""Azure's hybrid sign-in, whose result the browser posts from Microsoft's page.

Such a request has Microsoft's origin and no `SameSite` cookies. So the `state` cookie of this sign-in is sent with
cross-site requests. It is checked here, because Chainlit does not: without the check another site could sign a browser
in as a different user.
"""

from __future__ import annotations

import hmac
from typing import Annotated

from chainlit import server
from chainlit.auth.cookie import clear_oauth_state_cookie
from chainlit.oauth_providers import get_configured_oauth_providers
from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

PROVIDER = "azure-ad-hybrid"
START_PATH = f"/auth/oauth/{PROVIDER}"
CALLBACK_PATH = f"{START_PATH}/callback"
_STATE = "oauth_state"


def posted_callbacks() -> frozenset[str]:
    """The paths that another site may post a sign-in to, given the configured providers."""
    return frozenset({CALLBACK_PATH} if PROVIDER in get_configured_oauth_providers() else ())


def form_post() -> APIRouter:
    """The routes, which precede Chainlit's."""
    router = APIRouter()

    @router.get(START_PATH)
    async def start(request: Request) -> Response:
        response: Response = await server.oauth_login(PROVIDER, request)
        response.raw_headers = [
            (name, _for_other_sites(value) if name == b"set-cookie" and value.startswith(_STATE.encode()) else value)
            for name, value in response.raw_headers
        ]
        return response

    @router.post(CALLBACK_PATH)
    async def callback(
        request: Request,
        error: Annotated[str | None, Form()] = None,
        code: Annotated[str | None, Form()] = None,
        state: Annotated[str, Form()] = "",
        id_token: Annotated[str | None, Form()] = None,
    ) -> Response:
        kept = request.cookies.get(_STATE, "")
        if not kept or not hmac.compare_digest(kept.encode(), state.encode()):
            response: Response = RedirectResponse("/login?error=oauthSignin", 303)
        else:
            response = await server.oauth_azure_hf_callback(request, None, error, code, id_token)
            if response.status_code == 302:
                # After a 302 the browser might post the form again to the next address.
                response.status_code = 303
        clear_oauth_state_cookie(response)
        return response

    return router


def _for_other_sites(cookie: bytes) -> bytes:
    """The same cookie for cross-site requests, which browsers accept only with `Secure`."""
    kept = [part for part in cookie.split(b"; ") if not part.lower().startswith((b"samesite", b"secure"))]
    return b"; ".join([*kept, b"SameSite=None", b"Secure"])
