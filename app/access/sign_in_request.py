"""The context of a sign-in with a password, for Chainlit's callback, which gets only the name and the password.

`guards.SignIns` sets it; the callback stores the outcome in it.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class SignInRequest:
    """Where a sign-in comes from, and its outcome."""

    address: str
    cookie: str
    """The browser's cookie from earlier sign-ins; see `devices.py`."""
    remember: str = ""
    """The new value of that cookie; empty means unchanged."""
    wait: float = 0.0
    """Seconds to wait after too many guesses; 0 means that the password was checked."""


sign_in_request: ContextVar[SignInRequest] = ContextVar("sign_in_request")
