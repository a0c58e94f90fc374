"""The request by which somebody signs in with a password, for the callback that Chainlit hands only name and password.

`LoginLimit` puts it there; the callback leaves in it what the browser is to remember.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from app.i18n import Language


@dataclass
class SignInRequest:
    """Where a sign-in comes from."""

    address: str
    cookie: str
    """What the browser remembers of earlier ones; see `devices.py`."""
    language: Language
    remember: str = ""
    """What it is to remember from now on; empty: nothing new."""


sign_in_request: ContextVar[SignInRequest] = ContextVar("sign_in_request")
