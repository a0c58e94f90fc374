"""The users who may sign in with their own password: their names and hashes, in one file of the workspace.

Only an argon2id hash of a password is stored. The web process reads the file again whenever it changes. An entry is
just the hash, or for an admin an object with the hash and `"admin": true`.
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
"""The user of a page that only this machine can reach."""
SHARED_USER = "shared"
"""Everyone who signs in with the page's own password."""
_RESERVED = (LOCAL_USER, SHARED_USER)
_HASHER = argon2.PasswordHasher()
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$ulAFlRMdPNnyz/fCzqH1Z8OpVjlKOU4yBdNBCkhEPKk"
"""The hash against which an unknown name is checked, so that it takes as long as a known one."""


class _Admin(TypedDict):
    hash: str
    admin: bool


_Entry = str | _Admin


class PeopleError(Exception):
    """The request can't be done; the text is one sentence for the user."""


class People:
    """The users in the file. `hasher` makes the hashes of new passwords."""

    def __init__(self, path: Path, hasher: argon2.PasswordHasher = _HASHER) -> None:
        self._file: PrivateJson[_Entry] = PrivateJson(path)
        self._hasher = hasher

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._file.current())

    def find(self, name: str) -> str | None:
        """The name as it was added, ignoring case; None: there is no such user."""
        return find_name(self._file.current(), name)

    def known(self, name: str) -> str:
        """Like `find`.

        Raises:
            PeopleError: there is no such user.
        """
        found = self.find(name)
        if found is None:
            raise PeopleError(f"There is no user called {name}; ./start.sh user list shows all users.")
        return found

    def add(self, name: str, password: str, *, admin: bool = False) -> None:
        """Adds a user.

        Raises:
            PeopleError: the name is taken or not allowed, or the password is too short.
        """
        if not is_name(name):
            raise PeopleError(f"{name!r} can't be a name: use up to 64 letters, digits and . @ + - _ without spaces.")
        if name.casefold() in _RESERVED:
            raise PeopleError(f"{name} is a reserved name: choose another one.")
        with self._file.changing() as entries:
            if self.find(name):
                raise PeopleError(f"{name} exists already; for a new password: ./start.sh user password {name}")
            entries[name] = _entry(self._hash(password), admin=admin)

    def set_password(self, name: str, password: str) -> None:
        """Changes a user's password, which ends all logins with the old one.

        Raises:
            PeopleError: there is no such user, or the password is too short.
        """
        with self._file.changing() as entries:
            name = self.known(name)
            entries[name] = _entry(self._hash(password), admin=_is_admin(entries[name]))

    def set_admin(self, name: str, *, admin: bool) -> None:
        """Makes a user an admin, or no longer one, from the next request on.

        Raises:
            PeopleError: there is no such user.
        """
        with self._file.changing() as entries:
            name = self.known(name)
            entries[name] = _entry(_hash_in(entries[name]), admin=admin)

    def is_admin(self, name: str) -> bool:
        """Whether the user with exactly this name is an admin."""
        entry = self._file.current().get(name)
        return entry is not None and _is_admin(entry)

    def remove(self, name: str) -> None:
        """Removes a user, who is signed out at once. The user's chats stay in the database.

        Raises:
            PeopleError: there is no such user.
        """
        with self._file.changing() as entries:
            del entries[self.known(name)]

    def verify(self, name: str, password: str) -> bool:
        """Whether this is the user's password. Takes a good part of a second on purpose, for any name."""
        stored = self._stored(self.find(name) or "")
        try:
            return self._hasher.verify(stored or _NOBODY, password) and stored is not None
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError, UnicodeError):
            return False

    def mark(self, name: str) -> str | None:
        """A mark that changes with the user's password; None: there is no such user."""
        stored = self._stored(name)
        return None if stored is None else hashlib.sha256(stored.encode()).hexdigest()[:16]

    def _stored(self, name: str) -> str | None:
        entry = self._file.current().get(name)
        return None if entry is None else _hash_in(entry)

    def _hash(self, password: str) -> str:
        if len(password) < SHORTEST_PASSWORD:
            raise PeopleError(f"The password is too short: use at least {SHORTEST_PASSWORD} characters.")
        return self._hasher.hash(password)


def _entry(stored: str, *, admin: bool) -> _Entry:
    return {"hash": stored, "admin": True} if admin else stored


def _hash_in(entry: _Entry) -> str:
    return entry if isinstance(entry, str) else entry["hash"]


def _is_admin(entry: _Entry) -> bool:
    return not isinstance(entry, str) and entry["admin"]
