"""Who may still come in, by a login that was made some time ago, or by a clock that was wrong."""

import time
from pathlib import Path

import jwt
import pytest
from chainlit.auth.jwt import decode_jwt, get_jwt_secret
from starlette.datastructures import Headers

from app.welcome import Welcome, forgive_a_clock_set_back
from engine.people import People

DAY = 86400


def login(made: float, secret: str | None = None) -> str:
    """A cookie as Chainlit makes it, by a clock that is `made` seconds ahead."""
    now = int(time.time() + made)
    claims = {"identifier": "anna", "metadata": {}, "iat": now, "exp": now + 15 * DAY}
    return jwt.encode(claims, secret or get_jwt_secret(), algorithm="HS256")


@pytest.fixture
def welcome(tmp_path: Path) -> Welcome:
    forgive_a_clock_set_back()
    return Welcome(People(tmp_path / "people.json"), "")


def test_a_clock_that_jumps_ahead_ends_what_comes_and_not_what_is_open(welcome: Welcome) -> None:
    token = login(-366 * DAY)
    assert not welcome.still(token, Headers())
    assert welcome.still(token)


def test_a_login_made_by_a_clock_that_was_set_back_since_counts(welcome: Welcome) -> None:
    token = login(366 * DAY)
    assert welcome.still(token, Headers())
    assert welcome.still(token)
    assert decode_jwt(token).identifier == "anna"


def test_what_is_not_ours_counts_for_nothing(welcome: Welcome) -> None:
    forged = login(0, "another secret, which is long enough for HMAC")
    assert not welcome.still(forged)
    assert not welcome.still(forged, Headers())
    assert not welcome.still("no token")
    assert not welcome.still(jwt.encode({"exp": time.time() + DAY}, get_jwt_secret(), algorithm="HS256"), Headers())
