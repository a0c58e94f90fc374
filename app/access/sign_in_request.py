"""The request by which somebody signs in with a password, for the callback that Chainlit hands only name and password.

`guards.SignIns` puts it there; the callback leaves in it what came of it.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class SignInRequest:
    """Where a sign-in comes from."""

    address: str
    cookie: str
    """What the browser remembers of earlier ones; see `devices.py`."""
    remember: str = ""
    """What it is to remember from now on; empty: nothing new."""
    wait: float = 0.0
    """Seconds for which it has to wait, because there were too many guesses; 0: it was looked at."""


sign_in_request: ContextVar[SignInRequest] = ContextVar("sign_in_request")
