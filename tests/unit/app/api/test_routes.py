"""A program's request while a better engine takes over."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

import orjson

from app.api.completion_request import CompletionRequest
from app.api.keyring import Keyring
from app.api.response import Outlet
from app.api.routes import _Answering
from app.upstream.state import EngineState
from engine.access.keys import Keys
from engine.config import Settings
from engine.status import Status
from tests.instruments.launch_plan import launch_plan
from tests.instruments.scripted_engine import ScriptedEngine

NAME, OTHER_NAME = "Kimi-VL-A3B-Thinking", "moonshotai/Kimi-VL-A3B-Thinking"
"""Two names of one model."""


class Desk:
    """Remembers with what pictures were checked; another engine takes over during the first check."""

    def __init__(self, take_over: Callable[[], None]) -> None:
        self._take_over = take_over
        self.checks: list[tuple[int, int | None]] = []

    async def check(self, slots: object, limits: object, most: int, patches: int | None) -> None:
        self.checks.append((most, patches))
        if len(self.checks) == 1:
            self._take_over()


async def test_a_request_is_checked_again_for_an_engine_that_takes_over(tmp_path: Path) -> None:
    settings = Settings(workspace=tmp_path / "workspace")
    settings.files.create()
    Status().with_engine(state="ready").write(settings.files.status)
    state = EngineState(settings)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async with ScriptedEngine(model=NAME) as first, ScriptedEngine(model=OTHER_NAME) as second:
        launch_plan(first.base_url, served_name=NAME).write(settings.files.plan)
        better = launch_plan(second.base_url, served_name=OTHER_NAME, picture_patches=64)
        desk = Desk(lambda: better.write(settings.files.plan))
        answering = _Answering(state, Keyring(Keys(settings.files.keys)), cast("Any", desk))
        body = {"model": NAME, "messages": [{"role": "user", "content": "Hello"}]}
        wanted = CompletionRequest(orjson.dumps(body))
        await answering._work("chat/completions", wanted, AsyncExitStack(), Outlet(send))
        await state.close()
    assert [patches for _, patches in desk.checks] == [None, 64]
    assert (first.requests, [request["model"] for request in second.requests]) == ([], [OTHER_NAME])
    assert sent[0]["status"] == 200
