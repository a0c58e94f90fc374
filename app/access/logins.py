"""The content of a login's token: who signed in, how, when, and the login's id.

Chainlit makes the token, with our data in the user's metadata.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any, Literal, get_args

import jwt
from chainlit.auth.jwt import get_jwt_secret

from engine.access.passwords import LOCAL_USER, SHARED_USER

Kind = Literal["local", "own", "shared", "header", "oauth"]
HEADER_PREFIX = "header:"
"""Distinguishes users named by a proxy from others with the same name."""

_LONGEST_TOKEN = 8192
"""In characters; a real login is far below."""
_MOST_READ = 16_384
"""The most logins cached: as many as windows can be connected."""


@dataclass(frozen=True)
class Login:
    """One login, from its token. `mark` depends on the password that it was made with."""

    identity: str
    kind: Kind
    mark: str = ""
    generation: int = 0
    """The generation of the account's logins that it belongs to; see `EndedLogins`."""
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    since: float = field(default_factory=time.time)
    """The time of the sign-in, unchanged when the token is renewed. Unix time."""

    def metadata(self) -> dict[str, Any]:
        """The user metadata from which `login_in` reads this login back."""
        return {"login": {name: value for name, value in asdict(self).items() if name != "identity"}}


def login_in(token: str) -> Login | None:
    """The login of a token, expired or not; None if the token was not signed here."""
    if len(token) > _LONGEST_TOKEN:
        return None
    try:
        return _read(token)
    except (jwt.InvalidTokenError, TypeError, AttributeError, LookupError, ValueError):
        return None


# Those of all open pages are checked every two seconds. Exceptions are not cached, so strangers cannot fill it.
@lru_cache(maxsize=_MOST_READ)
def _read(token: str) -> Login:
    claims = jwt.decode(token, get_jwt_secret() or "", algorithms=["HS256"], options={"verify_exp": False})
    identity, metadata = str(claims["identifier"]), claims["metadata"]
    if "login" not in metadata:
        return _older(identity, metadata, claims["iat"], token)
    login = Login(identity=identity, **metadata["login"])
    if login.kind not in get_args(Kind):
        raise ValueError(login.kind)
    return login


def ended_by_the_clock(token: str) -> bool:
    """Whether a token that was signed here has expired."""
    try:
        jwt.decode(token, get_jwt_secret() or "", algorithms=["HS256"])
    except jwt.InvalidTokenError:
        return True
    return False


def _older(identity: str, metadata: dict[str, Any], made: float, token: str) -> Login:
    """The login of an older token, which did not record its kind. The current rules apply to it like to any other."""
    known: dict[str, Kind] = {LOCAL_USER: "local", SHARED_USER: "shared"}
    kind: Kind = known.get(identity) or ("own" if "mark" in metadata else "oauth")
    if kind == "oauth" and identity.startswith(HEADER_PREFIX):
        kind = "header"
    name = hashlib.sha256(token.encode()).hexdigest()[:16]
    return Login(identity, kind, metadata.get("mark", ""), id=name, since=float(made))
