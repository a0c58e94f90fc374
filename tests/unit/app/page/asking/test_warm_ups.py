"""What is attached gets ready before it is sent: in order, within limits, and never in anybody's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.files.uploads import UploadStore
from app.page.asking import warm_ups
from app.page.asking.attachments import Attachments
from app.page.asking.warm_ups import MOST_A_MINUTE, WarmUps
from app.page.live_chats import chat_of
from app.talk.conversation import Answer, Turn
from app.upstream.state import EngineState
from engine.engines.registry import ENGINES
from tests.instruments import waiting
from tests.instruments.answers import parts_of
from tests.instruments.pictures import png, shop_sign
from tests.instruments.scripted_engine import Script
from tests.unit.app.sessions import Session
from tests.unit.app.turn.test_run import Desk, desk

__all__ = ["desk"]
until = partial(waiting.until, seconds=20)
NOBODY: Any = None


class Window:
    """A page and the engine behind it."""

    def __init__(self, desk: Desk, store: UploadStore, folder: Path, state: EngineState) -> None:
        self.engine = desk.engine
        self.desk = desk
        self.folder = folder
        self.session = Session("u", "anna")
        self.chat = chat_of(self.session)
        self.warm_ups = WarmUps(state, Attachments(state, store, NOBODY), NOBODY, on=True)
        self.uploads = folder / "uploads" / self.session.thread_id
        self.plan()

    def plan(self, engine: str = "llama") -> None:
        self.desk.plan(engine=engine, traits=ENGINES[engine].traits)

    def upload(self, *names: str) -> list[str]:
        for name in names:
            path = self.folder / name
            path.write_bytes(png(shop_sign(name)))
            self.session.files[name] = {"id": name, "path": path, "name": name, "type": "image/png", "size": 1}
        return [*self.session.files]

    def attach(self, *names: str) -> None:
        self.warm_ups.attached(self.session, [*names])

    @property
    def shown(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(said["state"], said["files"]) for said in self.session.heard("read_ahead")]

    @property
    def kept(self) -> int:
        return len(list(self.uploads.iterdir())) if self.uploads.exists() else 0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[UploadStore]:
    store = UploadStore(tmp_path / "uploads")
    yield store
    store.close()


@pytest.fixture
async def window(desk: Desk, store: UploadStore, tmp_path: Path) -> AsyncIterator[Window]:
    window = Window(desk, store, tmp_path, desk.state)
    yield window
    window.engine.go.set()
    window.warm_ups.left(window.session)
    await asyncio.sleep(0.05)


def pictures_in(request: dict[str, Any]) -> int:
    return sum(part["type"] == "image_url" for part in request["messages"][-1]["content"])


async def test_pictures_are_read_in_order_and_the_page_says_so(window: Window) -> None:
    window.engine.script = Script(hold=True)
    window.upload("a.png", "b.png")
    window.attach("a.png")
    await until(lambda: window.engine.requests)
    window.attach("a.png", "b.png")
    window.engine.go.set()
    await until(lambda: window.shown[-1:] == [("seen", ("a.png", "b.png"))])
    assert [pictures_in(request) for request in window.engine.requests] == [1, 2]
    assert [state for state, _ in window.shown] == ["looking", "seen", "looking", "seen"]
    assert {request["max_tokens"] for request in window.engine.requests} == {1}


async def test_what_is_removed_is_neither_read_on_nor_kept(window: Window) -> None:
    window.engine.script = Script(hold=True)
    window.upload("a.png", "b.png")
    window.attach("a.png", "b.png")
    await until(lambda: window.engine.requests)
    assert window.kept == 2
    window.attach("b.png")
    await until(lambda: window.engine.left and len(window.engine.requests) == 2)
    assert pictures_in(window.engine.requests[1]) == 1
    assert window.kept == 1
    window.attach()
    await until(lambda: window.engine.left == 2)
    assert window.kept == 0


async def test_what_is_sent_is_read_to_the_end_and_kept(window: Window) -> None:
    window.engine.script = Script(hold=True)
    window.upload("a.png")
    window.attach("a.png")
    await until(lambda: window.engine.requests)
    window.warm_ups.asked(window.session, ["a.png"])
    window.attach()
    await asyncio.sleep(0.1)
    assert (window.engine.left, window.kept) == (0, 1)
    window.engine.go.set()
    await until(lambda: window.shown[-1:] == [("seen", ("a.png",))])


async def test_the_question_of_another_chat_goes_first_and_then_it_is_read_again(window: Window) -> None:
    window.plan("sglang")
    window.engine.script = Script(hold=True)
    window.upload("a.png")
    window.attach("a.png")
    await until(lambda: window.engine.requests)
    client = await window.desk.state.ready()
    with client.in_use():
        window.warm_ups.asked(Session("v", "bert"))
        await until(lambda: window.engine.left)
        await asyncio.sleep(0.4)
        assert len(window.engine.requests) == 1
    await until(lambda: len(window.engine.requests) == 2)
    window.engine.go.set()
    await until(lambda: window.shown[-1:] == [("seen", ("a.png",))])
    assert [state for state, _ in window.shown] == ["looking", "", "looking", "seen"]


async def test_an_engine_that_cannot_stop_reads_nothing_ahead_while_others_ask(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.warm_ups.asked(Session("v", "bert"))
    window.upload("a.png")
    window.attach("a.png")
    await asyncio.sleep(0.5)
    assert window.engine.requests == []
    monkeypatch.setattr(warm_ups, "_OTHERS_SECONDS", 0.0)
    await until(lambda: window.engine.requests)


@pytest.mark.parametrize("engine", ["openai", "reader", "vllm"])
async def test_an_engine_that_costs_money_or_has_no_cache_reads_nothing(window: Window, engine: str) -> None:
    window.plan(engine)
    window.upload("a.png")
    window.attach("a.png")
    await until(lambda: window.kept == 1)
    await asyncio.sleep(0.1)
    assert window.engine.requests == []


async def test_a_stranger_cannot_keep_the_engine_busy(window: Window) -> None:
    names = window.upload(*(f"{number}.png" for number in range(MOST_A_MINUTE + 2)))
    for name in names[:MOST_A_MINUTE]:
        window.attach(name)
        await until(partial(lambda name: window.shown[-1:] == [("seen", (name,))], name))
    for name in names[MOST_A_MINUTE:]:
        window.attach(name)
        await asyncio.sleep(0.2)
    assert len(window.engine.requests) == MOST_A_MINUTE
    assert window.warm_ups._admits("somebody else")


@pytest.mark.parametrize("files", [None, "a.png", {"a": 1}, [["a.png"]], ["unknown"], [None, "a.png"]])
async def test_nonsense_from_a_page_is_ignored(window: Window, files: object) -> None:
    window.upload("a.png")
    window.warm_ups.attached(window.session, files)
    await asyncio.sleep(0.05)
    assert (window.engine.requests, window.kept) == ([], 0)


async def test_an_engine_that_breaks_is_no_error_for_the_user(window: Window) -> None:
    window.engine.script = Script(status=500, error="broken")
    window.upload("a.png")
    window.attach("a.png")
    await until(lambda: len(window.shown) == 2)
    assert [state for state, _ in window.shown] == ["looking", ""]
    await asyncio.sleep(0.3)
    assert len(window.engine.requests) == 1


async def test_the_pictures_of_a_chat_that_is_opened_are_read_unless_the_user_goes_on(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_ups, "_OPENED_SECONDS", 0.05)
    window.upload("a.png")
    pictures = await window.warm_ups._attachments.take_ahead(window.session, [(window.folder / "a.png", "a.png")])
    window.chat.conversation.turns.append(
        Turn("1", "What is it?", pictures, [Answer(parts_of("Hm.", "A sign."), "stop")], chosen=0)
    )
    window.warm_ups.opened(window.session)
    window.warm_ups.left(window.session)
    await asyncio.sleep(0.2)
    assert window.engine.requests == []
    window.warm_ups.opened(window.session)
    await until(lambda: window.engine.requests)
    [request] = window.engine.requests
    assert [message["role"] for message in request["messages"]] == ["user", "assistant", "user"]
    assert request["messages"][-1]["content"] == ""
    await asyncio.sleep(0.1)
    assert window.shown == []
