"""Threads are loaded from the database unchanged, and deleted without a trace."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import fields
from pathlib import Path

import pytest
from sqlalchemy import update

from app.history.copies import Copy
from app.history.listing import list_threads
from app.history.store import History, Thread, ThreadGoneError, title
from app.history.tables import threads
from app.history.transfer.reading import ThreadReader
from app.history.users import Users
from app.talk.conversation import Answer, Picture, Turn, new_id
from app.talk.figures import Figures, Usage
from app.talk.footer import footer_line
from app.talk.parts import Reasoning, Text, ToolCall, ToolResult
from app.talk.places import PicturePlaces, Place, box
from tests.instruments.answers import parts_of


async def somebody(users: Users, name: str = "anna") -> str:
    return (await users.get(name)).id


def a_turn(history: History, thread: str, text: str = "What is this?", parent: str = "") -> Turn:
    folder = history.uploads / thread
    folder.mkdir(exist_ok=True)
    (folder / "a.png").write_bytes(b"png")
    pictures = [Picture(str(folder / "a.png"), "招牌 1.png", 10, 20), Picture(str(folder / "a.png"), "b.png", 30, 40)]
    answers = [
        Answer(parts_of("hm", "A sign."), "stop"),
        Answer(parts_of("hm, hm", "A **shop** sign.\n\n😀"), "length", 2.5, line="x · 3"),
    ]
    answers[1].feedback, answers[1].comment = 1, "good"
    return Turn(new_id(), text, pictures, answers, chosen=0, parent=parent)


async def load(history: History, thread: str, name: str = "anna") -> Thread:
    found = await history.of(await somebody(Users(history.database), name)).load(thread)
    assert found
    return found


async def test_a_thread_comes_back_as_it_was(history: History, users: Users) -> None:
    thread, user = new_id(), await somebody(users)
    first = a_turn(history, thread)
    second = a_turn(history, thread, "And now?", first.id)
    settings = {"temperature": 0.3, "stop": ["\\n"], "system_prompt": None, "agent_name": "小K"}
    await history.save(Copy(user, thread, "describe"), [first, second], settings, second.id)
    found = await load(history, thread)
    assert (found.owner, found.name, found.preset, found.settings) == ("anna", "What is this?", "describe", settings)
    assert found.conversation.turns == [first, second]
    assert [answer.id for answer in found.conversation.turns[0].answers] == [answer.id for answer in first.answers]
    assert found.conversation.aside == []


async def test_every_field_of_an_answer_is_kept(history: History, users: Users) -> None:
    answer = Answer()
    changed = {
        "bool": True, "str": "x", "Annotated[str, Field(max_length=1000)]": "y",
        "Annotated[str, Field(max_length=10000)]": "z", "Seconds | None": 1.5, "Ending | None": "length",
        "Literal[0, 1] | None": 0, "Figures | None": Figures("m", 0.25, 2.5, Usage(1, 2, 3, 4), "length"),
        "Annotated[list[PicturePlaces], Field(max_length=MOST_PLACES)]": [
            PicturePlaces(f"{'a' * 64}.png", [Place("一 \0 line", box(0.1, 0.2, 0.3, 0.4)), Place("", (0, 1))])
        ],
        "list[Part]": [Reasoning("so 😀"), Text("It "), Reasoning("no"), Text("is 一 sign.")],
    }  # fmt: skip
    for field in fields(Answer):
        setattr(answer, field.name, changed[str(field.type)])
    thread = new_id()
    turn = Turn(new_id(), "q", answers=[answer], chosen=0)
    await history.save(Copy(await somebody(users), thread), [turn], {}, turn.id)
    [kept] = (await load(history, thread)).conversation.turns[0].answers
    assert kept == answer


async def test_places_that_can_t_be_read_cost_the_places_and_not_the_chat(history: History, users: Users) -> None:
    places = [PicturePlaces("../passwords", [])]
    turn = Turn(new_id(), "q", answers=[Answer(parts_of(text="A sign."), "stop", places=places)], chosen=0)
    thread = new_id()
    await history.save(Copy(await somebody(users), thread), [turn], {}, turn.id)
    [kept] = (await load(history, thread)).conversation.turns[0].answers
    assert (kept.text, kept.places) == ("A sign.", [])


async def test_a_changed_turn_is_written_again(history: History, users: Users) -> None:
    copy = Copy(await somebody(users), new_id())
    turn = a_turn(history, copy.thread_id)
    await history.save(copy, [turn], {}, turn.id)
    turn.answers[0].parts = parts_of(text="A sign of a shop.")
    turn.answers, turn.chosen = [*turn.answers, Answer(parts_of(text="A third one."), ending="stop")], 2
    await history.save(copy, [turn], {"temperature": 1}, turn.id)
    found = await load(history, copy.thread_id)
    assert found.conversation.turns == [turn]
    assert found.settings == {"temperature": 1}


async def test_only_an_answer_that_was_taken_out_goes(history: History, users: Users) -> None:
    copy = Copy(await somebody(users), new_id())
    turn = a_turn(history, copy.thread_id)
    await history.save(copy, [turn], {}, turn.id)
    gone, kept = turn.answers
    turn.answers, turn.chosen = [kept], 0
    await history.save(copy, [turn], {}, turn.id)
    assert [answer.id for answer in (await load(history, copy.thread_id)).conversation.turns[0].answers] == [
        gone.id, kept.id,
    ]  # fmt: skip
    copy.removed.add(gone.id)
    await history.save(copy, [turn], {}, turn.id)
    assert (await load(history, copy.thread_id)).conversation.turns == [turn]
    assert copy.removed == set()


async def test_branches_are_kept(history: History, users: Users) -> None:
    thread, user = new_id(), await somebody(users)
    a, b, c = (Turn(new_id(), name, asked=at) for at, name in enumerate("abc"))
    edited = Turn(new_id(), "B", page_id=b.page_id, parent=a.id, asked=3)
    b.parent, c.parent = a.id, b.id
    await history.save(Copy(user, thread), [a, b, c, edited], {}, edited.id)
    conversation = (await load(history, thread)).conversation
    assert [turn.text for turn in conversation.turns] == ["a", "B"]
    assert {turn.text for turn in conversation.aside} == {"b", "c"}
    assert [turn.text for turn in conversation.versions(conversation.turns[1])] == ["b", "B"]


async def test_an_answer_in_progress_has_no_ending_and_no_footer(history: History, users: Users) -> None:
    copy, turn = Copy(await somebody(users), new_id()), Turn(new_id(), "q")
    await history.save(copy, [turn], {}, turn.id)
    await history.save_answers([(copy, turn, Answer(parts_of("so", "A si")))])
    [kept] = (await load(history, copy.thread_id)).conversation.turns
    assert kept.answer == Answer(parts_of("so", "A si"))
    assert kept.answer
    assert footer_line(kept.answer, "en") == ""
    reader = ThreadReader(history.database, history.uploads, copy.thread_id, copy.user_id)
    [read] = [turn async for turn in reader.turns((await reader.outline()).turns)]
    assert [answer.about.ending for answer in read.answers] == [None]


async def test_a_step_that_can_t_be_read_costs_the_step_and_not_the_chat(history: History, users: Users) -> None:
    copy, result, end = Copy(await somebody(users), new_id()), ToolResult("1", "found"), Text("So.")
    turn = Turn(new_id(), "q", answers=[Answer([Text("I look."), ToolCall("1", "a" * 300, "{}"), result, end], "stop")])
    await history.save(copy, [turn], {}, turn.id)
    [kept] = (await load(history, copy.thread_id)).conversation.turns
    assert kept.answer
    assert kept.answer.parts == [Text("I look."), result, end]
    reader = ThreadReader(history.database, history.uploads, copy.thread_id, copy.user_id)
    assert [answer.parts for answer in (await reader.outline()).turns[0].answers] == [
        [("text", 7), result, ("text", 3)]
    ]


async def test_an_answer_that_never_began_is_forgotten(history: History, users: Users) -> None:
    thread, user = new_id(), await somebody(users)
    turn = Turn(
        new_id(), "q", answers=[Answer(parts_of(text="first"), ending="stop"), Answer(ending="error")], chosen=0
    )
    await history.save(Copy(user, thread), [turn], {}, turn.id)
    [kept] = (await load(history, thread)).conversation.turns
    assert ([answer.text for answer in kept.answers], kept.chosen) == (["first"], 0)


async def test_what_no_database_takes_is_left_out_of_a_text(history: History, users: Users) -> None:
    thread, user = new_id(), await somebody(users)
    turn = Turn(new_id(), "a\0b\ud800c", answers=[Answer(parts_of("\0", "x\udfff"), "stop")], chosen=0)
    await history.save(Copy(user, thread), [turn], {"system_prompt": "\ud800\0"}, turn.id)
    [kept] = (await load(history, thread)).conversation.turns
    assert (kept.text, kept.answers[0].text) == ("ab?c", "x?")


async def test_a_thread_goes_with_its_pictures(history: History, users: Users) -> None:
    user = await somebody(users)
    kept, gone = new_id(), new_id()
    for thread in (kept, gone):
        turn = a_turn(history, thread)
        await history.save(Copy(user, thread), [turn], {}, turn.id)
    assert await history.of(user).delete(gone)
    assert not await history.of(user).delete(gone)
    assert await history.of(user).load(gone) is None
    assert not await history.of(user).has(gone)
    assert [folder.name for folder in history.uploads.iterdir()] == [kept]
    assert (await load(history, kept)).conversation.turns[0].answers
    assert [entry.id for entry in (await list_threads(history.database, user, 10)).entries] == [kept]


async def test_nothing_brings_a_deleted_thread_back(history: History, users: Users) -> None:
    copy, turn = Copy(await somebody(users), new_id()), Turn(new_id(), "q")
    await history.save(copy, [turn], {}, turn.id)
    other = (await load(history, copy.thread_id)).copy
    assert other
    own = history.of(copy.user_id)
    await own.delete(copy.thread_id)
    for session in (copy, other):
        with pytest.raises(ThreadGoneError):
            await history.save(session, [turn], {"temperature": 1}, turn.id)
        await history.save_answers([(session, turn, Answer(parts_of(text="late")))])
        assert await history.news(session) is None
        assert await history.revisions([session]) == [None]
    await own.change(copy.thread_id, name="x", settings={"temperature": 1})
    assert await own.load(copy.thread_id) is None


async def test_a_thread_is_named_after_its_first_question_until_it_is_renamed(history: History, users: Users) -> None:
    user = await somebody(users)
    own = history.of(user)
    pictured, named = new_id(), new_id()
    await own.begin(pictured, "", "")
    turn = a_turn(history, pictured, " ")
    await history.save(Copy(user, pictured), [turn], {}, turn.id)
    assert (await load(history, pictured)).name == "招牌 1.png"
    await own.begin(named, "First?", "")
    await own.change(named, name="My own\nname")
    turn = Turn(new_id(), "First?")
    await history.save(Copy(user, named), [turn], {}, turn.id)
    assert (await load(history, named)).name == "My own name"


def test_a_title_is_one_short_line() -> None:
    assert title(" a\n b ") == "a b"
    assert len(title("word " * 50)) <= 80
    assert title("word " * 50).endswith("word…")


async def test_own_settings_are_remembered_for_each_preset(users: Users) -> None:
    user = await somebody(users)
    assert await users.defaults(user) == ("", {})
    await users.remember(user, "describe", {"temperature": 0.1})
    await users.remember(user, "table", {"top_p": 0.5})
    await users.remember(user, "describe")
    assert await users.defaults(user) == ("describe", {"describe": {"temperature": 0.1}, "table": {"top_p": 0.5}})


async def test_a_person_is_entered_once(users: Users, history: History) -> None:
    first = await users.get("anna")
    again = await Users(history.database).get("anna")
    assert first == again
    assert (await users.get("Anna")).id != first.id


async def test_a_picture_outside_the_uploads_is_not_entered(history: History, users: Users, tmp_path: Path) -> None:
    turn = Turn(new_id(), "q", [Picture(str(tmp_path / "secret"), "a", 1, 1)])
    with pytest.raises(ValueError, match="secret"):
        await history.save(Copy(await somebody(users), new_id()), [turn], {}, turn.id)


async def test_a_picture_of_another_thread_is_not_entered(history: History, users: Users) -> None:
    theirs = a_turn(history, new_id())
    with pytest.raises(ValueError, match=r"a\.png"):
        await history.save(Copy(await somebody(users), new_id()), [theirs], {}, theirs.id)


async def test_a_write_whose_caller_is_cancelled_is_finished_and_blocks_no_one(history: History, users: Users) -> None:
    copy = Copy(await somebody(users), new_id())
    turns = [a_turn(history, copy.thread_id)]
    await history.save(copy, turns, {}, turns[0].id)
    for steps in range(12):
        # Each time a little later: one of the cuts falls between the beginning of the transaction and its end.
        turns.append(a_turn(history, copy.thread_id, f"Question {steps}?", turns[-1].id))
        write = asyncio.create_task(history.save(copy, turns[-1:], {}, turns[-1].id))
        await asyncio.sleep(0.001 * steps)
        write.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await write
        await history.save(copy, turns[:1], {}, turns[-1].id)
    conversation = (await load(history, copy.thread_id)).conversation
    kept = {turn.text for turn in (*conversation.turns, *conversation.aside)}
    # The first may have been cut before it began.
    assert kept >= {f"Question {steps}?" for steps in range(1, 12)}


async def test_settings_of_an_earlier_version_are_cut_when_they_are_read(history: History, users: Users) -> None:
    user = (await users.get("anna")).id
    asked = Turn(new_id(), "a")
    await history.save(Copy(user, "t"), [asked], {"temperature": 0.3, "evil": "x" * 100_000}, asked.id)
    thread = await history.of(user).head("t")
    assert thread
    assert thread.settings == {"temperature": 0.3}
    for kept, expected in (
        ({"temperature": 0.4, "evil": "x" * 10_000}, {"temperature": 0.4}),
        ({"evil": "x" * 10_000_000}, {}),
    ):
        async with history.database.writing() as connection:
            await connection.execute(update(threads).values(settings=json.dumps(kept)))
        thread = await history.of(user).head("t")
        assert thread
        assert thread.settings == expected


async def test_settings_are_remembered_for_a_few_presets(users: Users) -> None:
    user = (await users.get("anna")).id
    for number in range(40):
        await users.remember(user, f"preset {number}", {"temperature": 0.5, "evil": "x"})
    last, own = await users.defaults(user)
    assert last == "preset 39"
    assert list(own) == [f"preset {number}" for number in range(10, 40)]
    assert own["preset 39"] == {"temperature": 0.5}
