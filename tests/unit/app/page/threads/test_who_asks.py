"""Chainlit's requests for threads do not say who asks: each person gets only their own, whatever a browser sends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from chainlit.context import context_var, init_ws_context

from app.errors import HistoryError
from app.history.copies import Copy
from app.history.store import History
from app.history.users import Users
from app.page.chat import Chat
from app.page.incoming.thread_ids import own_thread_only
from app.page.live_chats import chat_of
from app.page.threads.data_layer import DataLayer
from app.page.threads.saving import Keeper
from app.talk.conversation import Turn, new_id
from tests.unit.app.history.test_store import load, somebody
from tests.unit.app.sessions import Session


@pytest.fixture
def url() -> str:
    """What is here makes no statements of its own: SQLite will do."""
    return ""


@pytest.fixture
async def anna(history: History, users: Users) -> AsyncIterator[Session]:
    """Anna in a session with a thread."""
    copy = Copy(await somebody(users), new_id())
    turn = Turn(new_id(), "Anna's secret")
    await history.save(copy, [turn], {"temperature": 0.1, "top_p": 0.1}, turn.id)
    session = Session(copy.user_id, "anna", copy.thread_id)
    yield session
    await session.delete()


@pytest.fixture
async def bob(users: Users, anna: Session) -> AsyncIterator[Session]:
    """Bob in a session that names Anna's thread."""
    session = Session(await somebody(users, "bob"), "bob", anna.thread_id)
    yield session
    await session.delete()


@pytest.fixture
def layer(history: History, users: Users) -> DataLayer:
    """What Chainlit asks."""
    return DataLayer(history, users)


async def gets_at_hers(layer: DataLayer, history: History, anna: Session) -> bool:
    """Whether the current person can reach Anna's thread through any of Chainlit's functions; a change is undone."""
    found = [
        bool(await layer.get_thread(anna.thread_id)),
        await layer.get_thread_author(anna.thread_id) == "anna",
    ]
    await layer.update_thread(anna.thread_id, name="taken")
    found.append((await load(history, anna.thread_id)).name == "taken")
    assert anna.user
    await history.of(anna.user.id).change(anna.thread_id, name="Anna's secret")
    assert len(set(found)) == 1
    return found[0]


async def test_a_request_is_that_of_the_person_who_signed_in_with_it(
    layer: DataLayer, history: History, anna: Session
) -> None:
    assert not await gets_at_hers(layer, history, anna)
    for name, whether in (("bob", False), ("anna", True), ("bob", False)):
        await layer.get_user(name)
        assert await gets_at_hers(layer, history, anna) is whether
    await layer.delete_thread(anna.thread_id)
    assert await load(history, anna.thread_id)


async def test_an_event_belongs_to_its_session_and_not_to_the_connections_login(
    layer: DataLayer, history: History, anna: Session, bob: Session
) -> None:
    await layer.get_user("bob")
    init_ws_context(anna)
    assert await gets_at_hers(layer, history, anna)
    init_ws_context(bob)
    assert not await gets_at_hers(layer, history, anna)


async def test_a_request_on_a_shared_connection_belongs_to_the_person_who_signs_in(
    layer: DataLayer, history: History, anna: Session, bob: Session
) -> None:
    init_ws_context(anna)
    await layer.get_user("bob")
    assert not await gets_at_hers(layer, history, anna)
    init_ws_context(bob)
    await layer.get_user("anna")
    assert await gets_at_hers(layer, history, anna)


async def test_where_the_login_is_unknown_there_is_no_user(
    layer: DataLayer, history: History, anna: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    await layer.get_user("anna")

    async def fails(self: Users, name: str) -> None:
        raise HistoryError("the database does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(Users, "get", fails)
        with suppress(HistoryError):
            await layer.get_user("bob")
    assert not await gets_at_hers(layer, history, anna)


@pytest.mark.parametrize("named", ["somebody else's", "deleted", "made up"])
async def test_a_thread_that_is_not_there_for_a_person_is_never_begun_under_its_id(
    named: str, history: History, users: Users, anna: Session, bob: Session
) -> None:
    assert anna.user
    if named == "deleted":
        await history.of(anna.user.id).delete(anna.thread_id)
    if named != "somebody else's":
        bob = Session(anna.user.id, "anna", anna.thread_id if named == "deleted" else new_id())
    claimed = bob.thread_id
    await own_thread_only(history, users, bob)
    assert bob.thread_id != claimed
    # Chainlit says in the page that the one it has named is not there.
    assert bob.thread_id_to_resume == claimed
    keeper, chat, turn = Keeper(history, users), Chat("en"), Turn(new_id(), "Bob's")
    chat.conversation.ask(turn)
    assert await keeper.load(bob) is None
    assert await keeper.save(bob, chat, turn)
    if named == "somebody else's":
        [kept] = (await load(history, anna.thread_id)).conversation.turns
        assert kept.text == "Anna's secret"
    elif named == "deleted":
        assert not await history.of(anna.user.id).has(claimed)
    await bob.delete()


async def test_a_thread_of_ones_own_is_opened(history: History, users: Users, anna: Session) -> None:
    named = anna.thread_id
    await own_thread_only(history, users, anna)
    assert anna.thread_id == anna.thread_id_to_resume == named
    assert (await Keeper(history, users).load(anna)) is not None


async def test_a_session_that_goes_writes_the_settings_that_it_has_changed_and_no_others(
    layer: DataLayer, history: History, users: Users, anna: Session
) -> None:
    assert anna.user
    thread = await Keeper(history, users).load(anna)
    assert thread
    chat_of(anna).copy, anna.chat_settings = thread.copy, {**thread.settings, "temperature": 0.9}
    await history.of(anna.user.id).change(anna.thread_id, settings={"top_p": 0.7})
    init_ws_context(anna)
    await layer.update_thread(anna.thread_id, metadata={"chat_settings": anna.chat_settings})
    assert (await load(history, anna.thread_id)).settings == {"temperature": 0.9, "top_p": 0.7}


@pytest.fixture(autouse=True)
def nobody() -> None:
    """No test has the context of another."""
    assert context_var.get(None) is None
