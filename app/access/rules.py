"""Who may sign in, and who may see the status, by the current settings and list of users."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection

from chainlit.auth.jwt import get_jwt_secret
from chainlit.oauth_providers import get_configured_oauth_providers

from app.access.logins import HEADER_PREFIX, Kind, Login
from engine.access.ended_logins import EndedLogins
from engine.access.passwords import LOCAL_USER, SHARED_USER, People
from engine.config import Settings, secret

_PASSWORD_BYTES = 9
"""Twelve characters in base64."""


class Rules:
    """Applies the current rules to logins, whenever they were made. What no rule allows is rejected."""

    def __init__(
        self,
        settings: Settings,
        people: People,
        ended: EndedLogins,
        providers: Callable[[], Collection[str]] = get_configured_oauth_providers,
    ) -> None:
        self._settings = settings
        self._people = people
        self._ended = ended
        self._providers = providers
        self._shared = SharedPassword(settings)

    def begin(self, identity: str, kind: Kind, mark: str = "") -> Login:
        """A new login."""
        return Login(identity, kind, mark, self._ended.generation(identity))

    def allow(self, login: Login) -> bool:
        """Whether this login is still valid."""
        if self._ended.has(login.identity, login.id, login.generation):
            return False
        way = self._settings.sign_in
        match login.kind:
            case "local":
                return way == "local" and login.identity == LOCAL_USER
            case "header":
                return way == "header" and login.identity.startswith(HEADER_PREFIX)
            case "own":
                # A removed user has no mark.
                return way == "password" and bool(login.mark) and self._people.mark(login.identity) == login.mark
            case "shared":
                right = hmac.compare_digest(login.mark.encode(), self._shared.mark.encode())
                return way == "password" and login.identity == SHARED_USER and right and self.takes_shared()
            case "oauth":
                return way == "password" and self._oauth(login.identity)

    def may_watch(self, login: Login) -> bool:
        """Whether this login may see the status, the logs and the figures of the whole page.

        With at most one user (the local user, or only the shared password), any login may. Otherwise only admins may;
        the only named user counts as one.
        """
        names = self._people.names()
        several = self._settings.sign_in == "header" or bool(names) or self._takes_oauth()
        if self._settings.sign_in == "local" or not several:
            return True
        if login.kind == "own" and (self._people.is_admin(login.identity) or self._alone(names)):
            return True
        return is_listed(login.identity.removeprefix(HEADER_PREFIX), self._settings.admins)

    def takes_shared(self) -> bool:
        """Whether the shared password lets anyone in.

        A generated one does until the first user is added; one that the owner has set as `KIMI_PASSWORD` stays.
        """
        return self._shared.is_set or not self._people.names()

    def asks_for_names(self) -> bool:
        """Whether the form has to ask who signs in; without any users there is only the shared account."""
        return bool(self._people.names())

    @property
    def shared(self) -> SharedPassword:
        """The shared password."""
        return self._shared

    def oauth_allows(self, provider: str, name: str) -> bool:
        """Whether this user may sign in with this provider."""
        return provider in self._providers() and is_listed(name, self._settings.oauth_people)

    def _oauth(self, identity: str) -> bool:
        found = (provider for provider in self._providers() if identity.startswith(f"{provider}:"))
        return any(self.oauth_allows(provider, identity.removeprefix(f"{provider}:")) for provider in found)

    def _takes_oauth(self) -> bool:
        return bool(self._settings.oauth_people and self._providers())

    def _alone(self, names: list[str]) -> bool:
        return len(names) == 1 and not self._takes_oauth()


class SharedPassword:
    """The shared password of a page that others can reach: `KIMI_PASSWORD`, or one generated for this workspace.

    Its file may be replaced while the page runs.
    """

    def __init__(self, settings: Settings) -> None:
        self._fixed = settings.password.get_secret_value()
        self._path = settings.files.password
        self._read: tuple[int, int, int] | None = None
        self._password = ""
        self._mark = ("", "")

    @property
    def is_set(self) -> bool:
        """Whether the owner has set it."""
        return bool(self._fixed)

    def current(self) -> str:
        """The current password, generated if there is none."""
        if self._fixed:
            return self._fixed
        stamp = self._stamp()
        if stamp is None or stamp != self._read:
            self._password = secret(self._path, _PASSWORD_BYTES)
            self._read = self._stamp()
        return self._password

    @property
    def mark(self) -> str:
        """A value that changes with the password and reveals nothing about it."""
        password = self.current()
        if self._mark[0] != password:
            key = (get_jwt_secret() or "").encode()
            self._mark = (password, hmac.new(key, b"shared:" + password.encode(), hashlib.sha256).hexdigest()[:16])
        return self._mark[1]

    def matches(self, password: str) -> bool:
        """Whether this is the password, compared in constant time."""
        return hmac.compare_digest(password.encode("utf-8", "surrogatepass"), self.current().encode())

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size


def is_listed(name: str, allowed: str) -> bool:
    """Whether a comma-separated list has this name in any case, its `@domain`, or `*` for everyone."""
    entries = {_small(entry.strip()) for entry in allowed.split(",") if entry.strip()}
    name = _small(name)
    domain = "@" + name.rpartition("@")[2] if "@" in name else ""
    return "*" in entries or name in entries or domain in entries


def _small(name: str) -> str:
    """The name in lower case, but only where that is reversible.

    `casefold` would turn ß into ss, and `lower` the Kelvin sign into k, which would merge different names.
    """
    return "".join(letter.lower() if letter.lower().upper() == letter else letter for letter in name)
