"""The wrong person can neither read nor change the history, whatever ids they know and functions they use.

A new public function of the store fails here until it says what the wrong person could try with it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import event, select

from app.errors import HistoryError
from app.history import copies, listing, store, users
from app.history.copies import Copy, Seen, fingerprint
from app.history.listing import Searches, list_threads
from app.history.store import History, Thread
from app.history.tables import answers, pictures, threads, turns
from app.history.tables import users as people
from app.history.transfer import imports, reading
from app.history.transfer.reading import ThreadReader
from app.history.users import Users
from app.page.threads import saving
from app.talk.conversation import Answer, Conversation, Picture, Turn, new_id
from engine.reasoning_tags import Kind, Piece
from tests.instruments.answers import parts_of
from tests.unit.app.history.test_store import a_turn, load, somebody

SECRET = "Anna's secret"


@dataclass(frozen=True)
class World:
    """Anna has a chat, and so has Bob, who knows every id of hers."""

    history: History
    users: Users
    anna: Copy
    bob: Copy
    turn: Turn
    """Anna's."""
    bobs_turn: Turn

    @property
    def answer(self) -> Answer:
        """One of Anna's."""
        return self.turn.answers[0]

    def as_bob(self, **changes: Any) -> Copy:
        """Anna's thread in a session of Bob's."""
        return replace(self.anna, user_id=self.bob.user_id, **changes)

    def stolen(self, **changes: Any) -> Turn:
        """A question of Bob's under the id of Anna's."""
        return Turn(
            self.turn.id, "Bob's", answers=[Answer(parts_of(text="Bob's"), id=self.answer.id)], chosen=0, **changes
        )


@pytest.fixture
async def world(history: History, users: Users) -> World:
    """Two people with a chat each."""
    anna, bob = Copy(await somebody(users), new_id()), Copy(await somebody(users, "bob"), new_id())
    turn = a_turn(history, anna.thread_id, f"{SECRET}?")
    turn.answers[0].parts = parts_of(text=SECRET)
    await history.save(anna, [turn], {"system_prompt": SECRET}, turn.id)
    await history.of(anna.user_id).change(anna.thread_id, name=SECRET)
    await users.remember(anna.user_id, "describe", {"system_prompt": SECRET})
    bobs_turn = a_turn(history, bob.thread_id, "Bob's?")
    bobs_turn.pictures = [replace(picture, name="Bob's.png") for picture in bobs_turn.pictures]
    await history.save(bob, [bobs_turn], {}, bobs_turn.id)
    return World(history, users, anna, bob, turn, bobs_turn)


async def hers(world: World) -> list[Any]:
    """All rows and files that are Anna's."""
    own_threads = select(threads.c.id).where(threads.c.user_id == world.anna.user_id)
    own_turns = select(turns.c.id).where(turns.c.thread_id.in_(own_threads))
    async with world.history.database.reading() as connection:
        found = [
            (await connection.execute(query)).all()
            for query in (
                select(people).where(people.c.id == world.anna.user_id),
                select(threads).where(threads.c.user_id == world.anna.user_id),
                select(turns).where(turns.c.thread_id.in_(own_threads)),
                select(pictures).where(pictures.c.turn_id.in_(own_turns)).order_by(pictures.c.position),
                select(answers).where(answers.c.turn_id.in_(own_turns)).order_by(answers.c.position),
            )
        ]
    files = sorted((world.history.uploads / world.anna.thread_id).iterdir())
    return [*found, [(path.name, path.read_bytes()) for path in files]]


Attack = Callable[[World], Awaitable[object]]


def own(world: World) -> store.OwnHistory:
    """Bob's history."""
    return world.history.of(world.bob.user_id)


def saved(copy: Callable[[World], Copy], turn: Callable[[World], Turn]) -> Attack:
    """Bob saves a turn in a session that has seen this."""
    return lambda world: world.history.save(copy(world), [turn(world)], {"temperature": 9}, world.turn.id)


def hers_changed(world: World) -> Turn:
    """Anna's turn with another text in her answer."""
    changed = [replace(world.answer, id=world.answer.id, parts=parts_of(text="Bob's"))]
    return replace(world.turn, answers=changed, pictures=[], chosen=0)


def with_her_answer(world: World) -> Turn:
    """A turn of Bob's own that claims Anna's answer."""
    return replace(world.bobs_turn, answers=[Answer(parts_of(text="Bob's"), id=world.answer.id)], chosen=0)


def with_her_picture(world: World) -> Turn:
    """A turn of Bob's that claims Anna's picture."""
    return Turn(new_id(), "Bob's", [Picture(world.turn.pictures[0].path, "x", 1, 1)])


def having_seen_hers(world: World) -> Copy:
    """Bob's session, made to believe that it has seen Anna's answer as it is, and to have taken it out."""
    seen = {world.answer.id: Seen(1, fingerprint(world.answer) + 1)}
    return replace(world.bob, answers=seen, removed={world.answer.id}, choices={world.turn.id: "x"})


def as_file(world: World) -> ThreadReader:
    """Anna's thread, read by Bob."""
    return ThreadReader(world.history.database, world.history.uploads, world.anna.thread_id, world.bob.user_id)


async def everything(pieces: AsyncIterator[str]) -> str:
    """All items."""
    return "".join([piece async for piece in pieces])


async def pieces_of(world: World) -> list[str]:
    """The texts of Anna's questions, which Bob knows the ids of."""
    hers = ThreadReader(world.history.database, world.history.uploads, world.anna.thread_id, world.anna.user_id)
    heads = (await hers.outline()).turns
    return [await everything(turn.text) async for turn in as_file(world).turns(heads)]


async def brings_in(world: World, thread: Thread, turn: Turn) -> None:
    """Imports a thread with this question for Bob."""
    thread.conversation = Conversation([turn])
    await imports.keep(world.history.database, world.history.uploads, thread, world.bob.user_id)


ATTACKS: dict[str, list[Attack]] = {
    "History.save": [
        saved(lambda world: world.as_bob(), World.stolen),
        saved(lambda world: world.as_bob(kept=False), World.stolen),
        saved(lambda world: world.as_bob(), hers_changed),
        saved(lambda world: world.as_bob(removed={world.answer.id}), hers_changed),
        saved(lambda world: world.bob, World.stolen),
        saved(lambda world: world.bob, hers_changed),
        saved(lambda world: world.bob, with_her_answer),
        saved(having_seen_hers, hers_changed),
        saved(having_seen_hers, with_her_answer),
        saved(having_seen_hers, lambda world: world.bobs_turn),
        saved(lambda world: Copy(world.bob.user_id, new_id()), World.stolen),
        saved(lambda world: Copy(world.bob.user_id, new_id()), lambda world: Turn(new_id(), "x", parent=world.turn.id)),
        saved(lambda world: world.bob, with_her_picture),
    ],
    "History.save_answers": [
        lambda world: world.history.save_answers([(world.as_bob(), world.turn, hers_changed(world).answers[0])]),
        lambda world: world.history.save_answers([(world.bob, world.turn, Answer(parts_of(text="Bob's")))]),
        lambda world: world.history.save_answers([(world.bob, world.bobs_turn, with_her_answer(world).answers[0])]),
        lambda world: world.history.save_answers([(having_seen_hers(world), world.turn, Answer(id=world.answer.id))]),
    ],
    "History.revisions": [
        lambda world: world.history.revisions([world.as_bob()]),
        lambda world: world.history.revisions([world.bob, world.as_bob()]),
    ],
    "History.news": [lambda world: world.history.news(world.as_bob(revision=-1))],
    "OwnHistory.begin": [lambda world: own(world).begin(world.anna.thread_id, "Bob's", "")],
    "OwnHistory.has": [lambda world: own(world).has(world.anna.thread_id)],
    "OwnHistory.head": [lambda world: own(world).head(world.anna.thread_id)],
    "OwnHistory.load": [lambda world: own(world).load(world.anna.thread_id)],
    "OwnHistory.change": [
        lambda world: own(world).change(world.anna.thread_id, name="Bob's"),
        lambda world: own(world).change(world.anna.thread_id, settings={"temperature": 9}),
    ],
    "OwnHistory.retitle": [
        lambda world: own(world).retitle(world.anna.thread_id, "", "Bob's"),
        lambda world: own(world).retitle(world.anna.thread_id, f"{SECRET}?", "Bob's"),
    ],
    "OwnHistory.rate": [
        lambda world: own(world).rate(world.answer.id, 0, "Bob's"),
        lambda world: own(world).rate(world.answer.id, None),
    ],
    "OwnHistory.thread_of_answer": [lambda world: own(world).thread_of_answer(world.answer.id)],
    "OwnHistory.delete": [lambda world: own(world).delete(world.anna.thread_id)],
    "Users.get": [lambda world: world.users.get("bob")],
    "Users.id_of": [],
    "Users.defaults": [lambda world: world.users.defaults(world.bob.user_id)],
    "Users.remember": [lambda world: world.users.remember(world.bob.user_id, "describe", {"temperature": 9})],
    "list_threads": [
        lambda world: list_threads(world.history.database, world.bob.user_id, 100, search="secret"),
        lambda world: list_threads(
            world.history.database, world.bob.user_id, 9, cursor=f"1/1e300/{world.anna.thread_id}"
        ),
        lambda world: list_threads(world.history.database, world.bob.user_id, 100, feedback=1),
        lambda world: list_threads(world.history.database, "", 100),
    ],
    "Searches.list_threads": [
        lambda world: Searches(world.history.database).list_threads(world.bob.user_id, 100, search="secret")
    ],
    "ThreadReader.name": [lambda world: as_file(world).name()],
    "ThreadReader.outline": [lambda world: as_file(world).outline()],
    "ThreadReader.turns": [pieces_of],
    "ThreadReader.pictures": [lambda world: as_file(world).pictures()],
    "ThreadReader.answer": [lambda world: everything(as_file(world).answer(world.answer.id))],
    "ThreadReader.slice": [
        lambda world: as_file(world).slice(answers.c.text, world.answer.id, 0),
        lambda world: as_file(world).slice(turns.c.text, world.turn.id, 0),
    ],
    # It says of an id only whether there is a thread, to the sweep of the disk.
    "is_kept": [],
    # It reads a file, and writes nothing but pictures into the folder of the new thread.
    "take_in": [],
    "keep": [
        lambda world: brings_in(world, Thread(world.anna.thread_id, "", "Bob's"), world.bobs_turn),
        lambda world: brings_in(world, Thread(new_id(), "", "Bob's"), world.stolen()),
    ],
    "Keeper.load": [],
    "Keeper.has_thread_of": [],
    "Keeper.save": [],
    "Keeper.copy_of": [],
}
"""What Bob tries with each function. Users.id_of and the keeper's functions take whom Chainlit has signed in, and no
id: tests/unit/app/page/threads/test_who_asks.py has them."""


def asked_of(module: ModuleType) -> set[str]:
    """The public asynchronous functions of a module and of its classes."""
    found = set()
    for name, thing in vars(module).items():
        if name.startswith("_") or inspect.getmodule(thing) is not module:
            continue
        if inspect.isclass(thing):
            public = [part for part in vars(thing) if not part.startswith("_")]
            found |= {f"{name}.{part}" for part in public if _is_asynchronous(getattr(thing, part))}
        elif _is_asynchronous(thing):
            found.add(name)
    return found


def _is_asynchronous(thing: object) -> bool:
    return inspect.iscoroutinefunction(thing) or inspect.isasyncgenfunction(thing)


def test_every_public_function_of_the_store_is_tried() -> None:
    modules = (store, users, listing, saving, copies, reading, imports)
    found = {name for module in modules for name in asked_of(module)}
    assert found == set(ATTACKS)


@pytest.mark.parametrize("name", sorted(name for name, attacks in ATTACKS.items() if attacks))
async def test_the_wrong_person_reads_and_changes_nothing(name: str, world: World) -> None:
    before = await hers(world)
    for number, attack in enumerate(ATTACKS[name]):
        found: object = None
        with suppress(HistoryError, ValueError):
            found = await attack(world)
        assert await hers(world) == before, f"{name} {number} changed what is Anna's"
        for secret in (SECRET, world.anna.thread_id, world.turn.id, world.answer.id, "招牌"):
            assert secret not in repr(found), f"{name} {number} gave away {secret}"
    bobs = (await load(world.history, world.bob.thread_id, "bob")).conversation
    assert SECRET not in repr(bobs)


async def test_another_persons_ids_look_like_ids_that_do_not_exist(world: World) -> None:
    own = world.history.of(world.bob.user_id)
    for ask in (own.has, own.head, own.load, own.delete):
        assert await ask(world.anna.thread_id) == await ask(new_id())
    for of_answer in (own.thread_of_answer, lambda answer: own.rate(answer, 1)):
        assert await of_answer(world.answer.id) == await of_answer(new_id())
    assert await world.history.revisions([world.as_bob()]) == [None]


async def test_every_statement_on_what_is_somebodys_names_the_owner(world: World) -> None:
    said: list[str] = []
    engine = world.history.database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *args: said.append(" ".join(args[2].split())))
    anna, history = world.anna, world.history
    own = history.of(anna.user_id)
    other = await own.load(anna.thread_id)
    assert other
    assert other.copy
    world.answer.add(Piece(Kind.ANSWER, " and more"))
    anna.removed.add(world.turn.answers[1].id)
    world.turn.answers.append(Answer(parts_of(text="one more")))
    world.turn.chosen = 2
    await history.save(anna, [world.turn, Turn(new_id(), "q")], {"temperature": 1}, world.turn.id)
    await history.save_answers(
        [(other.copy, world.turn, replace(world.answer, id=world.answer.id, parts=parts_of(text="x")))]
    )
    await history.news(other.copy)
    await history.revisions([anna, other.copy])
    await own.begin(anna.thread_id, "", "")
    await own.has(anna.thread_id)
    await own.head(anna.thread_id)
    await own.change(anna.thread_id, name="n", settings={"temperature": 2})
    await own.rate(world.answer.id, 1)
    await own.thread_of_answer(world.answer.id)
    await list_threads(history.database, anna.user_id, 10, search="x", feedback=1)
    await own.delete(anna.thread_id)
    about = re.compile(r"\b(FROM|UPDATE|INTO|JOIN) (threads|turns|pictures|answers)\b")
    ours = [statement for statement in said if about.search(statement)]
    assert len(ours) > 20
    # An insertion has no condition: it goes into a thread that a statement before it has made sure of.
    assert [line for line in ours if "user_id" not in line and not line.startswith("INSERT INTO")] == []
    for number, line in enumerate(said):
        if re.match(r"INSERT INTO (turns|pictures|answers)", line):
            begun = max(at for at, other in enumerate(said[:number]) if other.startswith("UPDATE threads SET revision"))
            assert "user_id" in said[begun]
