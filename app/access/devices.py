"""Recognises browsers that have signed in to an account before, by a cookie that outlives the login.

The cookie grants no access. It only makes wrong passwords count by browser instead of by account, so that an attacker
who guesses at an account does not lock out its owner. A changed password invalidates it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from http.cookies import SimpleCookie
from typing import Any

from chainlit.auth.jwt import get_jwt_secret

COOKIE = "known_device"
_ACCOUNTS = 4
"""The most accounts remembered for one browser."""
_SECONDS = 365 * 24 * 60 * 60
_LONGEST = 400


def known_device(cookie: str, account: str, mark: str) -> str | None:
    """The id of a browser that has signed in to the account with the password of this mark; None if it has not."""
    for entry in _entries(cookie):
        device, _, signature = entry.partition(".")
        if hmac.compare_digest(signature.encode(), _sign(device, account, mark).encode()):
            return device
    return None


def remember(cookie: str, account: str, mark: str) -> str:
    """The cookie's value after signing in to the account."""
    device = known_device(cookie, account, mark) or secrets.token_urlsafe(12)
    entry = f"{device}.{_sign(device, account, mark)}"
    return "~".join([entry, *(other for other in _entries(cookie) if other != entry)][:_ACCOUNTS])


def set_cookie(value: str) -> bytes:
    """The `Set-Cookie` header for this value."""
    cookie = SimpleCookie()
    cookie[COOKIE] = value
    attributes: dict[str, Any] = {"path": "/login", "max-age": _SECONDS, "httponly": True, "samesite": "lax"}
    cookie[COOKIE].update(attributes)
    return cookie[COOKIE].OutputString().encode("latin-1")


def _entries(cookie: str) -> list[str]:
    return [entry for entry in cookie[:_LONGEST].split("~") if entry][:_ACCOUNTS]


def _sign(device: str, account: str, mark: str) -> str:
    key = (get_jwt_secret() or "").encode()
    return hmac.new(key, f"device:{account}:{mark}:{device}".encode(), hashlib.sha256).hexdigest()[:32]
