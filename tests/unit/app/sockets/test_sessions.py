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
    from app.chats import chat_of
    from app.sockets import sessions
    from app.sockets.sessions import is_session_id

BAD = [
    "", "..", "../" * 8 + "etc", "a" * 36, None, 7, b"x", ["x"], str(uuid.uuid1()), str(uuid.uuid4()).upper(),
    uuid.uuid4().hex, f"{{{uuid.uuid4()}}}", f"urn:uuid:{uuid.uuid4()}", f" {uuid.uuid4()}", f"{uuid.uuid4()}\n",
]  # fmt: skip


@pytest.mark.parametrize("value", BAD)
def test_only_canonical_random_uuids_are_session_ids(value: object) -> None:
    assert not is_session_id(value)
    assert is_session_id(str(uuid.uuid4()))


class Session:
    """What Chainlit keeps of a window."""

    def __init__(self, kept: dict[str, Any], owner: str) -> None:
        self.id = self.socket_id = str(uuid.uuid4())
        self.environ = {"kimi.owner": owner}
        self.language = "en"
        self._kept = kept
        kept[self.id] = self

    async def delete(self) -> None:
        del self._kept[self.id]


async def test_the_sessions_of_windows_that_were_closed_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[str, Any] = {}
    monkeypatch.setattr(sessions, "ws_sessions_id", kept)
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
