"""The keys with which programs use the API: their names and hashes, in one file of the workspace.

A key is random and long, so a plain SHA-256 reveals nothing and costs a request almost nothing. The web process checks
the file for every request, so a removed key stops working at once.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from engine.access.named_hashes import NamedHashes, is_name

_PREFIX = "kimi-"
"""Lets people and secret scanners recognise a key."""
_RANDOM_BYTES = 32


class KeyNameError(Exception):
    """The request can't be done; the text is one sentence for the user."""


class Keys:
    """The file's keys."""

    def __init__(self, path: Path) -> None:
        self._file = NamedHashes(path)

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._file.current())

    def add(self, name: str) -> str:
        """Makes a key and returns it. It is stored nowhere, so it can't be shown again.

        Raises:
            KeyNameError: the name is taken or not allowed.
        """
        if not is_name(name):
            raise KeyNameError(f"{name!r} can't be a name: use up to 64 letters, digits and . @ + - _ without spaces.")
        key = _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
        with self._file.changing() as hashes:
            if self._file.find(name):
                raise KeyNameError(f"{name} already has a key; to replace it, first: ./start.sh key remove {name}")
            hashes[name] = _hash(key)
        return key

    def remove(self, name: str) -> None:
        """Revokes a key; programs that use it are rejected at once.

        Raises:
            KeyNameError: there is no key of this name.
        """
        with self._file.changing() as hashes:
            found = self._file.find(name)
            if found is None:
                raise KeyNameError(f"There is no key called {name}; ./start.sh key list shows all keys.")
            del hashes[found]

    def name_of(self, key: str) -> str | None:
        """The name of this key; None: it is unknown. Compares with every entry, so that the time reveals nothing."""
        given = _hash(key)
        found = None
        for name, stored in self._file.current().items():
            if hmac.compare_digest(given, stored):
                found = name
        return found


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
