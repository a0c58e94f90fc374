"""Who asks: each request brings a key of `./start.sh key add NAME`, also on this machine.

Any program here, and any page that a browser here shows, can reach the port; only a key says that somebody meant it to.
"""

from __future__ import annotations

from starlette.requests import Request

from app.access.limits.attempts import Attempts
from app.access.limits.connections import recognise
from app.api.errors import ApiError
from engine.access.keys import Keys

_WAIT_SECONDS = 300


class Keyring:
    """Lets requests in by their keys."""

    def __init__(self, keys: Keys, attempts: Attempts | None = None) -> None:
        self._keys = keys
        self._attempts = attempts or Attempts(seconds=_WAIT_SECONDS)

    def admit(self, request: Request) -> str:
        """The key that the request brings.

        Raises:
            ApiError: it brings none, a wrong one (401), or its address has brought too many wrong ones (429).
        """
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            # No guess: another site's page, which cannot send a key, must not be able to close the door for programs.
            raise _refusal("This API needs a key, as Authorization: Bearer KEY")
        if self.holds(key):
            recognise(request.scope, f"key {self._keys.name_of(key)}")
            # First of all: a forgotten script with an old key must not lock out the others at its address.
            return key
        address = request.client.host if request.client else "?"
        if self._attempts.closed_for(address):
            wait = "Too many wrong keys came from this address; please wait five minutes."
            raise ApiError(429, wait, "too_many_wrong_keys", retry_after=_WAIT_SECONDS)
        self._attempts.count(address)
        raise _refusal("This key is not known here, or no longer")

    def holds(self, key: str) -> bool:
        """Whether the key is one that works at this moment."""
        return self._keys.name_of(key) is not None


def removed() -> ApiError:
    """What ends an answer whose key was taken back meanwhile."""
    return _refusal("This key was removed")


def _refusal(reason: str) -> ApiError:
    return ApiError(401, f"{reason}; ./start.sh key add NAME makes one.", "invalid_api_key")
