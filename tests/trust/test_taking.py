"""A person who knows another person's ids tries to reach their data with a browser's events."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from engine.access.passwords import People
from tests.browser.access.test_people import signed_in
from tests.instruments.pictures import png, shop_sign
from tests.instruments.scripted_product import ScriptedProduct
from tests.instruments.visitor import Visitor, errors, question


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    """A page with two people."""
    with ScriptedProduct(tmp_path_factory.mktemp("taking") / "workspace", KIMI_HOST="0.0.0.0") as product:
        for name in ("anna", "bob"):
            People(product.files.people).add(name, f"the password of {name}")
        yield product


class Person(Visitor):
    """A signed-in client that opens a given thread."""

    def __init__(self, page: ScriptedProduct, name: str, thread: str = "") -> None:
        super().__init__(page)
        _, self.caller = signed_in(page, name, f"the password of {name}")
        self.caller.sign_in = lambda: self.caller  # type: ignore[method-assign]
        self.auth = {"threadId": thread} if thread else {}

    @property
    def thread(self) -> str:
        """The chat that the page has opened for it."""
        return [data["thread_id"] for name, data in self.events if name == "first_interaction"][-1]

    def chat(self, thread: str) -> dict[str, Any] | int:
        """An exported chat; the status if the export fails."""
        status, _, body = self.caller.request("GET", f"/api/threads/{thread}/chat.json")
        found: dict[str, Any] = json.loads(body) if status == 200 else {}
        return found or status


@pytest.fixture
async def people(public: ScriptedProduct) -> AsyncIterator[tuple[Person, Person, dict[str, Any]]]:
    """Anna with a chat with a picture, Bob, and an export of her chat that she has given him."""
    public.reset()
    async with AsyncExitStack() as stack:
        anna = await stack.enter_async_context(Person(public, "anna"))
        bob = await stack.enter_async_context(Person(public, "bob"))
        _, reply = await anna.upload("secret.png", "image/png", png(shop_sign("SECRET", "shop")))
        await anna.ask("Anna's question", [json.loads(reply)["id"]])
        chat = anna.chat(anna.thread)
        assert isinstance(chat, dict)
        assert chat["turns"][0]["pictures"]
        yield anna, bob, chat


async def test_a_question_under_another_persons_id_takes_nothing(
    people: tuple[Person, Person, dict[str, Any]],
) -> None:
    anna, bob, chat = people
    [turn] = chat["turns"]
    for stolen in {turn["id"], turn["page_id"], anna.thread}:
        before = len(bob.events)
        await bob.send("client_message", {"message": question(id=stolen, output="Bob's"), "fileReferences": []})
        await bob.over(before)
        assert anna.chat(anna.thread) == chat
        bobs = bob.chat(bob.thread)
        assert isinstance(bobs, dict)
        assert "secret.png" not in json.dumps(bobs)
        assert stolen not in {mine["id"] for mine in bobs["turns"]}


async def test_a_socket_that_names_another_persons_thread_gets_and_writes_nothing_of_it(
    people: tuple[Person, Person, dict[str, Any]], public: ScriptedProduct
) -> None:
    anna, _, chat = people
    made_up = str(uuid.uuid4())
    reported = []
    for thread in (anna.thread, made_up):
        async with Person(public, "bob", thread) as bob:
            await bob.until(lambda events: any(name == "resume_thread_error" for name, _ in events), "a refusal")
            await bob.ask("Bob's own question")
            assert bob.thread not in {anna.thread, made_up}
            assert "Anna" not in repr(bob.events)
            assert errors(bob.events) == []
            reported.append([data for name, data in bob.events if name == "resume_thread_error"])
            assert isinstance(bob.chat(bob.thread), dict)
            assert bob.chat(thread) == 404
    # And no difference reveals whether an id exists.
    assert reported[0] == reported[1]
    assert anna.chat(anna.thread) == chat
    assert not (public.files.uploads / made_up).exists()


async def test_the_buttons_of_another_persons_chat_do_nothing(
    people: tuple[Person, Person, dict[str, Any]],
) -> None:
    anna, bob, chat = people
    await bob.ask("Bob's own question")
    for turn in (chat["turns"][0]["id"], chat["turns"][0]["page_id"]):
        payload = {"name": "regenerate", "payload": {"turn": turn}, "id": str(uuid.uuid4()), "label": "", "tooltip": ""}
        for session, status in ((bob.session_id, 200), (anna.session_id, 401)):
            body = json.dumps({"sessionId": session, "action": payload}).encode()
            assert bob.caller.request("POST", "/project/action", body, Content_Type="application/json")[0] == status
    assert anna.chat(anna.thread) == chat
