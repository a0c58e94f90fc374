"""Events on a browser's socket while its chat is being opened, has been left, or no longer exists."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chainlit.server import sio
from chainlit.session import WebsocketSession, ws_sessions_id, ws_sessions_sid
from chainlit.types import FileDict
from chainlit.user import User

from app.history.store import ThreadGoneError
from app.page.asking.warm_ups import WarmUps
from app.page.chat import MOST_MEMORY
from app.page.incoming import arrivals
from app.page.live_chats import adopt, chat_of, thread_deleted
from app.page.threads import resuming
from app.talk.conversation import Turn

FILE: FileDict = {"id": "x", "name": "a.png", "path": Path("a.png"), "size": 1, "type": "image/png"}


@pytest.fixture(autouse=True)
def no_sessions() -> Iterator[None]:
    yield
    ws_sessions_id.clear()
    ws_sessions_sid.clear()


class Page:
    """A browser's session, and what its page was sent."""

    def __init__(self, thread: str | None = None, user: str = "anna", ident: str = "") -> None:
        self.sent: list[str] = []
        self.session = WebsocketSession(
            id=ident or str(uuid.uuid4()),
            socket_id=str(uuid.uuid4()),
            emit=self._emit,  # type: ignore[arg-type] # Chainlit's annotation says that it returns nothing
            emit_call=self._emit,  # type: ignore[arg-type]
            user_env={},
            client_type="webapp",
            thread_id=thread,
            user=User(identifier=user),
        )

    async def emit(self, event: str) -> None:
        """Sends as what runs in this session does."""
        sending: Any = self.session.emit
        await sending(event, {})

    async def _emit(self, event: str, data: Any) -> None:
        self.sent.append(event)


class Server:
    """Our handlers around others that record the order of their calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.opening: list[str] = []
        self.opened = asyncio.Event()
        self.opened.set()
        self.gone = False
        self.missing = False
        monkeypatch.setitem(sio.handlers["/"], "connect", self._connect)
        monkeypatch.setitem(sio.handlers["/"], "connection_successful", self._open)
        for event in ("client_message", "edit_message", "stop"):
            monkeypatch.setitem(sio.handlers["/"], event, None)
        monkeypatch.setattr(arrivals, "process_message", self._answer)
        monkeypatch.setattr(sio.manager, "is_connected", lambda sid, _: sid in self.there)
        monkeypatch.setattr(resuming, "load", self._load)
        self.there: set[str] = set()
        self.kept: list[Turn] = []
        nothing: Any = None  # is written here
        arrivals.replace_handlers(nothing, self._returned, WarmUps(nothing, nothing, nothing, on=False))

    async def connect(self, page: Page) -> None:
        self.there.add(page.session.socket_id)
        await sio.handlers["/"]["connection_successful"](page.session.socket_id)

    async def ask(self, page: Page, ident: str, *files: str) -> dict[str, Any]:
        references = [{"id": file} for file in files]
        payload = {"message": {"id": ident}, "fileReferences": references}
        reply: dict[str, Any] = await sio.handlers["/"]["client_message"](page.session.socket_id, payload)
        # Each question runs in its own task.
        await asyncio.sleep(0)
        return reply

    async def edit(self, page: Page, ident: str, words: str) -> None:
        payload = {"message": {"id": ident, "output": words}}
        await sio.handlers["/"]["edit_message"](page.session.socket_id, payload)
        await asyncio.sleep(0)

    async def _connect(self, sid: str, environ: Any, auth: Any) -> bool:
        return True

    async def _open(self, sid: str) -> None:
        session = WebsocketSession.require(sid)
        if session.restored and not session.has_first_interaction:
            # As Chainlit does.
            self.calls.append("begun")
            return
        self.opening.append(sid)
        await self.opened.wait()
        if self.gone and session.thread_id_to_resume:
            raise ThreadGoneError(session.thread_id)
        session.has_first_interaction = not (self.gone or self.missing)
        self.calls.append("opened")

    async def _answer(self, session: WebsocketSession, payload: Any) -> None:
        self.calls.append(f"asked {payload['message']['id']}")

    async def _load(self, history: Any, session: WebsocketSession, chat: Any) -> None:
        chat.conversation.turns = list(self.kept)

    async def _returned(self, session: WebsocketSession) -> None:
        self.calls.append("returned")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    return Server(monkeypatch)


async def test_a_question_waits_until_its_thread_is_open(server: Server) -> None:
    page = Page("thread")
    server.opened.clear()
    opening = asyncio.create_task(server.connect(page))
    await asyncio.sleep(0)
    asking = asyncio.create_task(server.ask(page, "a"))
    await asyncio.sleep(0.01)
    assert server.calls == []
    server.opened.set()
    assert await asking == {}
    await opening
    assert server.calls == ["opened", "returned", "asked a"]


async def test_a_person_has_a_few_threads_opened_at_once_and_the_questions_of_the_others_wait(server: Server) -> None:
    pages = [Page("thread") for _ in range(5)]
    server.opened.clear()
    opening = [asyncio.create_task(server.connect(page)) for page in pages]
    await asyncio.sleep(0)
    asking = asyncio.create_task(server.ask(pages[-1], "a"))
    others = Page("thread", user="bert")
    opening.append(asyncio.create_task(server.connect(others)))
    await asyncio.sleep(0.01)
    assert server.opening == [page.session.socket_id for page in (*pages[:4], others)]
    assert not asking.done()
    # One whose page has gone in the meantime is no longer read.
    server.there.remove(pages[-1].session.socket_id)
    server.opened.set()
    await asyncio.gather(*opening, asking)
    assert server.calls == ["opened", "returned"] * 5 + ["asked a"]


async def test_questions_are_asked_in_their_order_and_each_once(server: Server) -> None:
    page = Page()
    await asyncio.gather(*(server.ask(page, ident) for ident in ("a", "b", "a", "c", "b")))
    assert server.calls == ["asked a", "asked b", "asked c"]


async def test_a_question_that_was_kept_before_a_restart_is_not_asked_again(server: Server) -> None:
    page = Page("thread")
    server.kept = [Turn("a", "Before?")]
    await server.connect(page)
    assert await server.ask(page, "a") == {}
    await server.ask(page, "b")
    assert server.calls == ["opened", "returned", "asked b"]


async def test_an_edited_question_is_asked_again_under_its_id(server: Server) -> None:
    page = Page()
    await server.ask(page, "a")
    await server.edit(page, "a", "Other words?")
    assert server.calls == ["asked a", "asked a"]
    assert page.sent == ["update_message"]


async def test_a_question_whose_files_are_gone_is_not_asked_without_them(server: Server) -> None:
    page = Page()
    page.session.files["here"] = FILE
    assert await server.ask(page, "a", "here", "gone") == {"missing": ["gone"]}
    assert server.calls == []
    page.session.files["again"] = FILE
    assert await server.ask(page, "a", "here", "again") == {}
    assert server.calls == ["asked a"]


async def test_a_thread_that_is_deleted_while_it_is_opened_is_not_continued(server: Server) -> None:
    page = Page("thread")
    server.gone = True
    await server.connect(page)
    assert "resume_thread_error" in page.sent
    assert page.session.thread_id != "thread"
    assert page.session.thread_id_to_resume is None
    assert server.calls == ["opened", "returned"]


async def test_a_named_thread_that_is_not_there_is_named_once_only(server: Server) -> None:
    page = Page("thread")
    server.missing = True
    await server.connect(page)
    assert page.session.thread_id != "thread"
    assert page.session.thread_id_to_resume is None


@pytest.mark.parametrize("first", ["thread", None])
async def test_a_thread_is_shown_to_a_page_that_connects_twice_before_it(server: Server, first: str | None) -> None:
    page = Page(first)
    page.session.restore(str(uuid.uuid4()))
    await sio.handlers["/"]["connect"](page.session.socket_id, {}, {"threadId": "thread"})
    await server.connect(page)
    assert page.session.thread_id == "thread"
    assert server.calls == ["opened", "returned"]


async def running(page: Page) -> asyncio.Task[None]:
    """Has the session give an answer."""
    chat = chat_of(page.session)
    started = asyncio.Event()

    async def answer() -> None:
        async with chat.one_turn():
            started.set()
            await page.emit("before")
            await asyncio.sleep(60)

    task = asyncio.create_task(answer())
    chat.begin(task)
    await started.wait()
    return task


async def test_a_page_that_is_reloaded_continues_the_answer(server: Server) -> None:
    old, new = Page("thread"), Page("thread")
    task = await running(old)
    chat = chat_of(old.session)
    assert await sio.handlers["/"]["connect"](new.session.socket_id, {}, {})
    assert chat_of(new.session) is chat
    assert old.session.thread_id_to_resume == "thread"
    await old.emit("after")
    assert (old.sent[-1], new.sent[-1]) == ("before", "after")
    await arrivals.stop(new.session.socket_id)
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("why", ["another person's", "another thread", "its page is there", "about to be deleted"])
async def test_an_answer_is_continued_by_no_one_else(server: Server, why: str) -> None:
    old = Page("thread")
    new = Page("other" if why == "another thread" else "thread", "bert" if why == "another person's" else "anna")
    task = await running(old)
    if why == "its page is there":
        server.there.add(old.session.socket_id)
    old.session.to_clear = why == "about to be deleted"
    adopt(new.session, lambda session: session.socket_id in server.there)
    assert chat_of(new.session) is not chat_of(old.session)
    assert list(chat_of(old.session).tasks) == [task]
    task.cancel()


async def test_a_deleted_thread_ends_its_answers_and_is_not_created_again(server: Server) -> None:
    page, other = Page("thread"), Page("another")
    task, rest = await running(page), await running(other)
    thread_deleted("anna", "thread")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert chat_of(page.session).kept
    assert not rest.cancelling()
    rest.cancel()


async def test_a_question_for_which_there_is_no_room_is_asked_when_it_is_sent_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page()
    chat = chat_of(page.session)
    with monkeypatch.context() as full:
        full.setattr(chat, "admits", lambda size: False)
        # The page has its refusal, unless it was just then without a connection.
        assert await server.ask(page, "a") == {}
    assert (page.sent, server.calls) == (["new_message"], [])
    await server.ask(page, "a")
    await server.ask(page, "a")
    assert server.calls == ["asked a"]


async def test_a_session_remembers_the_ids_of_its_last_questions_only(server: Server) -> None:
    page = Page()
    for number in range(1200):
        await server.ask(page, str(number))
    remembered = chat_of(page.session).taken
    assert len(remembered) == 1000
    before = len(server.calls)
    await server.ask(page, "1199")
    assert len(server.calls) == before


async def test_a_question_with_an_endless_id_is_refused_and_its_id_is_kept_nowhere(server: Server) -> None:
    page = Page()
    # Chainlit reads it as the UUID.
    endless = str(uuid.uuid4()) + "-" * 1_000_000
    await server.ask(page, endless)
    await server.edit(page, endless, "other words")
    assert server.calls == []
    assert page.sent.count("new_message") == 2
    assert sum(map(len, chat_of(page.session).taken)) < 100


async def test_nothing_more_is_asked_in_a_chat_that_takes_too_much_memory(server: Server) -> None:
    page = Page()
    await server.ask(page, "a")
    chat_of(page.session).size = MOST_MEMORY + 1
    await server.ask(page, "b")
    assert server.calls == ["asked a"]
    assert page.sent.count("new_message") == 1
