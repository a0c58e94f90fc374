"""The people who may sign in with a password of their own: their names and hashes, in one file of the workspace.

Passwords are hashed with argon2id; nothing else is kept of them. The page reads the file anew whenever it changes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import argon2

from engine.named_hashes import NamedHashes, is_name

SHORTEST_PASSWORD = 8
RESERVED = ("local", "shared")
"""Identities of the page itself."""
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$ulAFlRMdPNnyz/fCzqH1Z8OpVjlKOU4yBdNBCkhEPKk"
"""The hash that a name which nobody has is checked against, so that it takes as long."""


class PeopleError(Exception):
    """What was asked for can't be done; the text is one sentence for a person."""


class People:
    """The file's people."""

    def __init__(self, path: Path) -> None:
        self._file = NamedHashes(path)
        self._hasher = argon2.PasswordHasher()

    def names(self) -> list[str]:
        """All names, in their order."""
        return sorted(self._file.current())

    def find(self, name: str) -> str | None:
        """The name as it was given, whatever the case in which it is typed; None: there is nobody of this name."""
        return self._file.find(name)

    def known(self, name: str) -> str:
        """Like `find`.

        Raises:
            PeopleError: there is nobody of this name.
        """
        found = self.find(name)
        if found is None:
            raise PeopleError(f"There is nobody called {name}; ./start.sh user list tells who is there.")
        return found

    def add(self, name: str, password: str) -> None:
        """Enters somebody.

        Raises:
            PeopleError: the name is taken or not allowed, or the password is too short.
        """
        if not is_name(name):
            raise PeopleError(f"{name!r} cannot be a name: use up to 64 letters, digits and . @ + - _ without spaces.")
        if name.casefold() in RESERVED:
            raise PeopleError(f"{name} is a name of the page itself: choose another one.")
        with self._file.changing() as hashes:
            if self.find(name):
                raise PeopleError(f"{name} is there already; a new password: ./start.sh user password {name}")
            hashes[name] = self._hash(password)

    def set_password(self, name: str, password: str) -> None:
        """Gives somebody another password; who is signed in with the old one is signed out.

        Raises:
            PeopleError: there is nobody of this name, or the password is too short.
        """
        with self._file.changing() as hashes:
            hashes[self.known(name)] = self._hash(password)

    def remove(self, name: str) -> None:
        """Takes somebody out, who is signed out at once. Their chats stay in the database.

        Raises:
            PeopleError: there is nobody of this name.
        """
        with self._file.changing() as hashes:
            del hashes[self.known(name)]

    def verify(self, name: str, password: str) -> bool:
        """Whether this is the person's password. Takes a good part of a second on purpose, for any name."""
        stored = self._file.current().get(self.find(name) or "")
        try:
            return self._hasher.verify(stored or _NOBODY, password) and stored is not None
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError, UnicodeError):
            return False

    def mark(self, name: str) -> str | None:
        """What changes with the person's password; None: there is nobody of this name."""
        stored = self._file.current().get(name)
        return None if stored is None else hashlib.sha256(stored.encode()).hexdigest()[:16]

    def _hash(self, password: str) -> str:
        if len(password) < SHORTEST_PASSWORD:
            raise PeopleError(f"The password is too short: take at least {SHORTEST_PASSWORD} characters.")
        return self._hasher.hash(password)
