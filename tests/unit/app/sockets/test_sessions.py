"""A person's sessions: the ids that a browser chooses for them, and how many are kept."""

from __future__ import annotations

import asyncio
import uuid
import warnings
from types import SimpleNamespace
from typing import Any

import pytest

with warnings.catch_warnings():
    # Libraries below Chainlit use what pydantic has deprecated.
    warnings.simplefilter("ignore")
    from app.page.chat import MOST_MEMORY
    from app.page.live_chats import chat_of
    from app.sockets import sessions
    from app.sockets.sessions import is_session_id

GOOD = "0f8fad5b-d9cb-469f-a165-70867728950e"
BAD = [
    "", "..", "../" * 8 + "etc", "a" * 36, None, 7, b"x", ["x"], "7d444840-9dc0-11d1-b245-5ffdce74fad2", GOOD.upper(),
    GOOD.replace("-", ""), f"{{{GOOD}}}", f"urn:uuid:{GOOD}", f" {GOOD}", f"{GOOD}\n",
]  # fmt: skip


@pytest.mark.parametrize("value", BAD)
def test_only_canonical_random_uuids_are_session_ids(value: object) -> None:
    assert not is_session_id(value)
    assert is_session_id(str(uuid.uuid4()))


class Session:
    """What Chainlit keeps of a window."""

    def __init__(self, kept: dict[str, Any], owner: str) -> None:
        self.id = self.socket_id = self.thread_id = str(uuid.uuid4())
        self.environ = {"kimi.owner": owner}
        self.language = "en"
        self._kept = kept
        kept[self.id] = self

    async def delete(self) -> None:
        del self._kept[self.id]


async def test_the_sessions_of_windows_that_were_closed_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[str, Any] = {}
    monkeypatch.setattr("app.page.live_chats.ws_sessions_id", kept)
    open_one = Session(kept, "anna")
    answering: Any = Session(kept, "anna")
    task = asyncio.create_task(asyncio.sleep(600))
    chat_of(answering).begin(task)
    closed = [Session(kept, "anna") for _ in range(200)]
    others = [Session(kept, "bob") for _ in range(5)]
    none: Any = None
    handlers = {"/": {"connect": none, "disconnect": none, "connection_successful": none}}
    manager = SimpleNamespace(is_connected=lambda sid, namespace: sid == open_one.socket_id)
    guards = sessions._Guards(SimpleNamespace(handlers=handlers, manager=manager))
    await guards._forget_sessions("anna")
    task.cancel()
    # Neither a window that is open nor one in which something is answered is forgotten.
    assert kept.keys() == {one.id for one in (open_one, answering, *closed[-128:], *others)}


async def test_the_chats_of_one_person_take_a_bounded_amount_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[str, Any] = {}
    monkeypatch.setattr("app.page.live_chats.ws_sessions_id", kept)
    names = ("small", "oldest", "answering", "closed", "opened")
    ones: dict[str, Any] = {name: Session(kept, "anna") for name in names}
    bobs: Any = Session(kept, "bob")
    for one in (*ones.values(), bobs):
        chat_of(one).size = MOST_MEMORY // 3
    chat_of(ones["small"]).size = 0
    task = asyncio.create_task(asyncio.sleep(600))
    chat_of(ones["answering"]).begin(task)
    none: Any = None
    sent = []

    async def emit(event: str, data: Any, to: str) -> None:
        if event == "toast":
            sent.append((to, data["message"]))

    async def disconnect(sid: str) -> None:
        sent.append((sid, "disconnected"))

    manager = SimpleNamespace(is_connected=lambda sid, namespace: sid != ones["closed"].socket_id)
    server = SimpleNamespace(
        handlers={"/": {"connect": none, "disconnect": none, "connection_successful": none}},
        manager=manager, emit=emit, disconnect=disconnect, get_environ=lambda sid: {},
    )  # fmt: skip
    guards = sessions._Guards(server)
    await guards._make_room("anna", ones["opened"].socket_id)
    # Closed ones go first, and no one notices. Their memory is freed although the session is still held.
    assert chat_of(ones["closed"]).size == 0
    assert kept.keys() == {one.id for one in (*ones.values(), bobs) if one is not ones["closed"]}
    assert sent == []
    chat_of(ones["opened"]).size = MOST_MEMORY
    await guards._make_room("anna", ones["opened"].socket_id)
    task.cancel()
    assert kept.keys() == {one.id for one in (ones["small"], ones["answering"], ones["opened"], bobs)}
    assert [to for to, _ in sent] == [ones["oldest"].socket_id] * 2
    assert "too large" in sent[0][1]
