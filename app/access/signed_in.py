"""Who has signed in: of a request, as FastAPI's dependencies, and of any request's or socket's cookies.

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


def user_in(cookies: dict[str, str]) -> User | None:
    """The user whose login is in these cookies; None: there is none, or its time is over."""
    token = get_token_from_cookies(cookies)
    try:
        return decode_jwt(token) if token else None
    except (jwt.InvalidTokenError, TypeError):
        return None


def owner_of(cookies: dict[str, str]) -> str | None:
    """Whom the login in these cookies names, as `owner_name`; None: nobody."""
    user = user_in(cookies)
    return owner_name(user) if user else None


def owner_name(user: User) -> str:
    """A person's name for the limits: of those who share a password, each has their own."""
    return f"{user.identifier}\0{user.display_name or ''}"
