"""What a login's token says: who signed in, how, when, and which login of theirs it is.

Chainlit makes the token and keeps what we add to it in the user's metadata.
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
"""Sets people whom a proxy names apart from all others, who may have the same name."""

_LONGEST_TOKEN = 8192
"""In characters; a login is far below."""
_MOST_READ = 16_384
"""Logins that are kept as they were read: of as many windows as can be connected."""


@dataclass(frozen=True)
class Login:
    """One login, as its token has it. `mark` changes with the password that it was made with."""

    identity: str
    kind: Kind
    mark: str = ""
    generation: int = 0
    """Which generation of the account's logins it belongs to; see `EndedLogins`."""
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    since: float = field(default_factory=time.time)
    """When the person signed in; renewing the token does not change it. Unix time."""

    def metadata(self) -> dict[str, Any]:
        """What a user's metadata has to hold for `login_in` to find this login again."""
        return {"login": {name: value for name, value in asdict(self).items() if name != "identity"}}


def login_in(token: str) -> Login | None:
    """The login of a token, whether or not it has ended by the clock; None: it was not signed here."""
    if len(token) > _LONGEST_TOKEN:
        return None
    try:
        return _read(token)
    except (jwt.InvalidTokenError, TypeError, AttributeError, LookupError, ValueError):
        return None


# Those of all open pages are looked at every other second. What raises is not kept, so strangers fill nothing.
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
    """Whether the time of a token that was signed here is over."""
    try:
        jwt.decode(token, get_jwt_secret() or "", algorithms=["HS256"])
    except jwt.InvalidTokenError:
        return True
    return False


def _older(identity: str, metadata: dict[str, Any], made: float, token: str) -> Login:
    """The login of a token from before tokens said how it was made. Today's rules decide about it like any other."""
    known: dict[str, Kind] = {LOCAL_USER: "local", SHARED_USER: "shared"}
    kind: Kind = known.get(identity) or ("own" if "mark" in metadata else "oauth")
    if kind == "oauth" and identity.startswith(HEADER_PREFIX):
        kind = "header"
    name = hashlib.sha256(token.encode()).hexdigest()[:16]
    return Login(identity, kind, metadata.get("mark", ""), id=name, since=float(made))
