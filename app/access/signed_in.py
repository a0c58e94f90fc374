"""Who has signed in: as FastAPI's dependencies, and of the scope of any request or socket.

The other packages ask here and know nothing of Chainlit, which makes and reads the logins.
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
"""The login that a request brings, whether or not it counts."""
SignedIn = Annotated[User, Depends(get_current_user)]
"""Who sends a request; strangers get a 401."""


async def require_sign_in(token: str) -> None:
    """Lets a login pass that counts.

    Raises:
        HTTPException: 401, where its time is over.
    """
    await get_current_user(token)


def user_of(scope: Scope) -> User | None:
    """The user whose login a request or a socket brings; None: it brings none, or its time is over."""
    token = get_token_from_cookies(HTTPConnection(scope).cookies)
    try:
        return decode_jwt(token) if token else None
    except (jwt.InvalidTokenError, TypeError):
        return None


def owner_of(scope: Scope) -> str | None:
    """Whose a request or a socket is, as `owner_name`; None: nobody's."""
    user = user_of(scope)
    return owner_name(user) if user else None


def owner_name(user: User) -> str:
    """A person's name for the limits: of those who share a password, each has their own."""
    return f"{user.identifier}\0{user.display_name or ''}"
