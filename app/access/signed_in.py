"""The signed-in user: as FastAPI dependencies, and from the scope of any request or socket.

Other packages use this and need not know Chainlit, which makes and reads the logins.
"""

from __future__ import annotations

from typing import Annotated

import jwt
from chainlit.auth import get_current_user, get_token_from_cookies
from chainlit.auth.cookie import OAuth2PasswordBearerWithCookie
from chainlit.auth.jwt import decode_jwt
from chainlit.user import User
from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.types import Scope

LOGIN_COOKIE = OAuth2PasswordBearerWithCookie(tokenUrl="/login", auto_error=False)
Token = Annotated[str | None, Depends(LOGIN_COOKIE)]
"""The login token of a request, valid or not."""
SignedIn = Annotated[User, Depends(get_current_user)]
"""The user who sends a request; a request without a sign-in gets a 401."""


async def require_sign_in(token: str) -> None:
    """Checks that a login is valid.

    Raises:
        HTTPException: 401 if it is not.
    """
    await get_current_user(token)


def user_of(scope: Scope) -> User | None:
    """The user of a request or socket; None if it has no login, or an expired one."""
    token = get_token_from_cookies(HTTPConnection(scope).cookies)
    try:
        return decode_jwt(token) if token else None
    except (jwt.InvalidTokenError, TypeError):
        return None


def owner_of(scope: Scope) -> str | None:
    """The owner of a request or socket, as `owner_name`; None without a login."""
    user = user_of(scope)
    return owner_name(user) if user else None


def owner_name(user: User) -> str:
    """A user's key for the limits."""
    return f"{user.identifier}\0{user.display_name or ''}"
