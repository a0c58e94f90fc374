"""The keys by which programs use the API: their names and hashes, in one file of the workspace.

A key is random and long, so that a plain SHA-256 of it gives nothing away and costs a request nothing. The page looks
at the file with every request: a key that was removed stops at once.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from engine.access.named_hashes import NamedHashes, is_name

_PREFIX = "kimi-"
"""Tells people and secret scanners what it is that they have found."""
_RANDOM_BYTES = 32


class KeyNameError(Exception):
    """What was asked for can't be done; the text is one sentence for a person."""


class Keys:
    """The file's keys."""

    def __init__(self, path: Path) -> None:
        self._file = NamedHashes(path)

    def names(self) -> list[str]:
        """All names, in their order."""
        return sorted(self._file.current())

    def add(self, name: str) -> str:
        """Makes a key, which is kept nowhere: this is the one time that it is seen.

        Raises:
            KeyNameError: the name is taken or not allowed.
        """
        if not is_name(name):
            raise KeyNameError(f"{name!r} cannot be a name: use up to 64 letters, digits and . @ + - _ without spaces.")
        key = _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
        with self._file.changing() as hashes:
            if self._file.find(name):
                raise KeyNameError(f"{name} has a key already; for another one: ./start.sh key remove {name}")
            hashes[name] = _hash(key)
        return key

    def remove(self, name: str) -> None:
        """Takes a key back; the programs that use it are refused at once.

        Raises:
            KeyNameError: there is no key of this name.
        """
        with self._file.changing() as hashes:
            found = self._file.find(name)
            if found is None:
                raise KeyNameError(f"There is no key called {name}; ./start.sh key list tells which there are.")
            del hashes[found]

    def name_of(self, key: str) -> str | None:
        """Whose key this is; None: nobody's. Every entry is compared, in a time that tells nothing."""
        given = _hash(key)
        found = None
        for name, stored in self._file.current().items():
            if hmac.compare_digest(given, stored):
                found = name
        return found


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
