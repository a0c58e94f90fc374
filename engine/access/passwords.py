"""The people who may sign in with a password of their own: their names and hashes, in one file of the workspace.

Passwords are hashed with argon2id; nothing else is kept of them. The page reads the file anew whenever it changes.
An entry is the hash alone, or for an admin an object with the hash and `"admin": true`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TypedDict

import argon2

from engine.access.named_hashes import find_name, is_name
from engine.access.private_json import PrivateJson

SHORTEST_PASSWORD = 8
LOCAL_USER = "local"
"""Who is at a page that only this machine reaches."""
SHARED_USER = "shared"
"""Everybody who signs in with the page's own password."""
_RESERVED = (LOCAL_USER, SHARED_USER)
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$ulAFlRMdPNnyz/fCzqH1Z8OpVjlKOU4yBdNBCkhEPKk"
"""The hash that a name which nobody has is checked against, so that it takes as long."""


class _Admin(TypedDict):
    hash: str
    admin: bool


_Entry = str | _Admin


class PeopleError(Exception):
    """What was asked for can't be done; the text is one sentence for a person."""


class People:
    """The file's people."""

    def __init__(self, path: Path) -> None:
        self._file: PrivateJson[_Entry] = PrivateJson(path)
        self._hasher = argon2.PasswordHasher()

    def names(self) -> list[str]:
        """All names, in their order."""
        return sorted(self._file.current())

    def find(self, name: str) -> str | None:
        """The name as it was given, whatever the case in which it is typed; None: there is nobody of this name."""
        return find_name(self._file.current(), name)

    def known(self, name: str) -> str:
        """Like `find`.

        Raises:
            PeopleError: there is nobody of this name.
        """
        found = self.find(name)
        if found is None:
            raise PeopleError(f"There is nobody called {name}; ./start.sh user list tells who is there.")
        return found

    def add(self, name: str, password: str, *, admin: bool = False) -> None:
        """Enters somebody.

        Raises:
            PeopleError: the name is taken or not allowed, or the password is too short.
        """
        if not is_name(name):
            raise PeopleError(f"{name!r} cannot be a name: use up to 64 letters, digits and . @ + - _ without spaces.")
        if name.casefold() in _RESERVED:
            raise PeopleError(f"{name} is a name of the page itself: choose another one.")
        with self._file.changing() as entries:
            if self.find(name):
                raise PeopleError(f"{name} is there already; a new password: ./start.sh user password {name}")
            entries[name] = _entry(self._hash(password), admin=admin)

    def set_password(self, name: str, password: str) -> None:
        """Gives somebody another password; who is signed in with the old one is signed out.

        Raises:
            PeopleError: there is nobody of this name, or the password is too short.
        """
        with self._file.changing() as entries:
            name = self.known(name)
            entries[name] = _entry(self._hash(password), admin=_is_admin(entries[name]))

    def set_admin(self, name: str, *, admin: bool) -> None:
        """Makes somebody an admin, or no longer one; counts from the next request on.

        Raises:
            PeopleError: there is nobody of this name.
        """
        with self._file.changing() as entries:
            name = self.known(name)
            entries[name] = _entry(_hash_in(entries[name]), admin=admin)

    def is_admin(self, name: str) -> bool:
        """Whether this person, named exactly, is an admin."""
        entry = self._file.current().get(name)
        return entry is not None and _is_admin(entry)

    def remove(self, name: str) -> None:
        """Takes somebody out, who is signed out at once. Their chats stay in the database.

        Raises:
            PeopleError: there is nobody of this name.
        """
        with self._file.changing() as entries:
            del entries[self.known(name)]

    def verify(self, name: str, password: str) -> bool:
        """Whether this is the person's password. Takes a good part of a second on purpose, for any name."""
        stored = self._stored(self.find(name) or "")
        try:
            return self._hasher.verify(stored or _NOBODY, password) and stored is not None
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError, UnicodeError):
            return False

    def mark(self, name: str) -> str | None:
        """What changes with the person's password; None: there is nobody of this name."""
        stored = self._stored(name)
        return None if stored is None else hashlib.sha256(stored.encode()).hexdigest()[:16]

    def _stored(self, name: str) -> str | None:
        entry = self._file.current().get(name)
        return None if entry is None else _hash_in(entry)

    def _hash(self, password: str) -> str:
        if len(password) < SHORTEST_PASSWORD:
            raise PeopleError(f"The password is too short: take at least {SHORTEST_PASSWORD} characters.")
        return self._hasher.hash(password)


def _entry(stored: str, *, admin: bool) -> _Entry:
    return {"hash": stored, "admin": True} if admin else stored


def _hash_in(entry: _Entry) -> str:
    return entry if isinstance(entry, str) else entry["hash"]


def _is_admin(entry: _Entry) -> bool:
    return not isinstance(entry, str) and entry["admin"]
