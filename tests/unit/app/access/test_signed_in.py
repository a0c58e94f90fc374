"""The signed-in person in the scope of a request or a socket."""

from __future__ import annotations

import pytest
from chainlit.auth.jwt import create_jwt
from chainlit.user import User
from starlette.types import Scope

from app.access.signed_in import owner_of, user_of

ANNA = User("shared", display_name="Anna")


def scope(kind: str, token: str | None) -> Scope:
    headers = [(b"cookie", f"access_token={token}".encode())] if token else []
    return {"type": kind, "headers": headers}


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_login_names_its_person(kind: str) -> None:
    brought = scope(kind, create_jwt(ANNA))
    user = user_of(brought)
    assert user
    assert user.identifier == "shared"
    assert owner_of(brought) == "shared\0Anna"


@pytest.mark.parametrize("token", [None, "no token", "a.b.c"])
def test_without_a_login_there_is_no_user(token: str | None) -> None:
    assert user_of(scope("http", token)) is None
    assert owner_of(scope("http", token)) is None
