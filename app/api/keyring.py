"""Authentication: each request needs a key from `./start.sh key add NAME`, even on this machine.

Any program here, and any web page open in a browser here, can reach the port; only a key shows that it is meant to.
"""

from __future__ import annotations

from starlette.requests import Request

from app.access.limits.attempts import Attempts
from app.access.limits.connections import recognise
from app.api.errors import ApiError
from engine.access.keys import Keys

_WAIT_SECONDS = 300


class Keyring:
    """Checks the keys of requests."""

    def __init__(self, keys: Keys, attempts: Attempts | None = None) -> None:
        self._keys = keys
        self._attempts = attempts or Attempts(seconds=_WAIT_SECONDS)

    def admit(self, request: Request) -> str:
        """Returns the request's valid key.

        Raises:
            ApiError: it has none or a wrong one (401), or its address has sent too many wrong ones (429).
        """
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            # Not counted as a guess: another site's page, which cannot send a key, must not lock out programs.
            raise _refusal("This API needs a key, as Authorization: Bearer KEY")
        if self.holds(key):
            recognise(request.scope, f"key {self._keys.name_of(key)}")
            # Before the limit: a forgotten script with an old key must not lock out the others at its address.
            return key
        address = request.client.host if request.client else "?"
        if self._attempts.closed_for(address):
            wait = "Too many wrong keys came from this address; please wait five minutes."
            raise ApiError(429, wait, "too_many_wrong_keys", retry_after=_WAIT_SECONDS)
        self._attempts.count(address)
        raise _refusal("This key is unknown here, or was removed")

    def holds(self, key: str) -> bool:
        """Whether the key is currently valid."""
        return self._keys.name_of(key) is not None


def removed() -> ApiError:
    """The error for an answer whose key was removed while it ran."""
    return _refusal("This key was removed")


def _refusal(reason: str) -> ApiError:
    return ApiError(401, f"{reason}; ./start.sh key add NAME makes one.", "invalid_api_key")
