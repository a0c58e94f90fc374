"""Pinning over HTTP: one's own chats only."""

from __future__ import annotations

import pytest
from chainlit.auth import get_current_user
from chainlit.user import User
from fastapi import FastAPI, Request

from app.history.listing import list_threads
from app.history.store import History
from app.history.users import Users
from app.page.threads.routes import routes
from tests.unit.app.access.limits.test_guards import ask
from tests.unit.app.history.test_listing import fill


@pytest.fixture
def page(history: History, users: Users) -> FastAPI:
    """Only the routes; a header names the person."""
    app = FastAPI()
    app.include_router(routes(history, users))

    async def user(request: Request) -> User:
        return User(identifier=request.headers["person"])

    app.dependency_overrides[get_current_user] = user
    return app


async def test_a_chat_is_pinned_by_its_owner_and_does_not_exist_for_others(
    page: FastAPI, history: History, users: Users
) -> None:
    anna = (await users.get("anna")).id
    [thread] = await fill(history, anna, ["question"])

    async def pin(person: str, value: object) -> int:
        path = f"/api/threads/{thread}/pinned"
        return (await ask(page, "PUT", path, json={"pinned": value}, headers={"person": person})).status_code

    async def pinned() -> bool:
        return (await list_threads(history.database, anna, 1)).entries[0].pinned

    assert await pin("bert", True) == 404
    assert not await pinned()
    assert await pin("anna", True) == 204
    assert await pinned()
    assert await pin("anna", "perhaps") == 422
    assert await pin("anna", False) == 204
    assert not await pinned()
