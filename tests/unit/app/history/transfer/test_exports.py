"""A chat as files: its JSON is imported completely, under new ids; anything else is rejected."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import time
import zipfile
from collections.abc import AsyncIterator
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from chainlit.context import init_http_context
from chainlit.session import WebsocketSession
from sqlalchemy import update

from app.errors import HistoryError
from app.files.pictures import NormalPicture, PictureLimits, normalise
from app.history.store import History, Thread
from app.history.tables import turns
from app.history.transfer import imports, reading
from app.history.transfer.exports import chat_json, chat_markdown, chat_zip, file_name, has_pictures
from app.history.transfer.imports import ImportedError, folder_of_an_import, keep, take_in
from app.history.transfer.reading import ThreadReader
from app.history.users import Users
from app.page.chat import Chat
from app.page.threads.resuming import page_of
from app.talk.conversation import LAST_SECOND, Answer, Conversation, Picture, Turn
from app.talk.figures import Figures, Usage
from app.talk.footer import footer_line
from app.talk.parts import Reasoning, ResultPicture, Text, ToolCall, ToolResult
from app.talk.places import PicturePlaces, Place
from tests.instruments.answers import parts_of
from tests.instruments.pictures import png, shop_sign
from tests.unit.app.history.test_store import load


def when(asked: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M %Z", time.localtime(asked))


async def joined(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def decoded(data: bytes, limits: PictureLimits) -> NormalPicture:
    return normalise(data, limits)


async def taken_in(data: bytes, uploads: Path, tmp_path: Path) -> Thread:
    """A thread out of a file of these bytes."""
    file = tmp_path / "chat.json"
    file.write_bytes(data)
    with file.open("rb") as opened:
        return await take_in(opened, "new", uploads, decoded)


@pytest.fixture
async def user(users: Users) -> str:
    return (await users.get("anna")).id


@pytest.fixture
def uploads(history: History) -> Path:
    return history.uploads


@pytest.fixture
async def thread(history: History, user: str) -> Thread:
    """Turns a → b → c, b edited into b2; a has two pictures, of which one is gone, and two answers."""
    folder = history.uploads / "old"
    folder.mkdir(parents=True)
    (folder / "x.png").write_bytes(png(shop_sign("TEA", "house")))
    pictures = [Picture(str(folder / "x.png"), "招牌 1.png", 640, 400), Picture(str(folder / "gone.png"), "b", 1, 1)]
    steps = [ToolCall("functions.a:0", "a", '{"x": "\0`"}'), ToolResult("functions.a:0", "```\nit is", failed=True)]
    idea = [Reasoning("so"), Text("No "), *steps, Reasoning("wait"), Text("idea.")]
    figures = Figures("kimi-vl", 0.5, 2.0, Usage(1200, 5, 2), "stop")
    good = Answer(parts_of("hm", "A **tea** house."), "stop", 2.5, feedback=1, comment="yes", line="kimi · 3 tokens")
    conversation = Conversation()
    for turn in [
        Turn("a", "What is this?", pictures, [Answer(idea, "stop", figures=figures), good], 1, asked=1),
        Turn("b", "b", asked=2),
        Turn("c", "c", answers=[Answer(ending="error")], chosen=0, asked=3),
        Turn("b2", "B", answers=[Answer(parts_of(text="Because."), ending="stop")], chosen=0, page_id="b", asked=4),
    ]:
        conversation.ask(turn)
    made = Thread("old", "anna", "A tea house?", "describe", {"temperature": 0.3}, conversation=conversation)
    await keep(history.database, history.uploads, made, user)
    return made


@pytest.fixture
def reader(history: History, thread: Thread, user: str) -> ThreadReader:
    return ThreadReader(history.database, history.uploads, thread.id, user)


@pytest.fixture
async def exported(reader: ThreadReader) -> bytes:
    return await joined(chat_json(reader))


async def test_everything_comes_back_under_new_ids(
    exported: bytes, thread: Thread, uploads: Path, tmp_path: Path
) -> None:
    again = await taken_in(exported, uploads, tmp_path)
    assert (again.id, again.owner, again.name, again.preset, again.settings) == (
        "new", "", "A tea house?", "describe", {"temperature": 0.3},
    )  # fmt: skip
    shown, aside = again.conversation.turns, again.conversation.aside
    assert [turn.text for turn in shown] == ["What is this?", "B"]
    assert [turn.text for turn in aside] == ["b", "c"]
    # What failed before it began is no answer.
    assert aside[1].answers == []
    assert [turn.text for turn in again.conversation.versions(shown[1])] == ["b", "B"]
    assert shown[1].page_id == aside[0].page_id
    assert shown[0].answers == thread.conversation.turns[0].answers
    assert shown[0].chosen == 1
    old = {turn.id for turn in [*thread.conversation.turns, *thread.conversation.aside]}
    assert not old & {turn.id for turn in [*shown, *aside]}
    assert not {answer.id for turn in shown for answer in turn.answers} & {
        answer.id for turn in thread.conversation.turns for answer in turn.answers
    }
    [picture] = shown[0].pictures
    assert picture.name == "招牌 1.png"
    assert Path(picture.path).parent == uploads / "new"
    assert Path(picture.path).is_file()


async def test_an_imported_chat_is_kept_unchanged_and_can_be_opened(
    exported: bytes, history: History, user: str, tmp_path: Path
) -> None:
    again = await taken_in(exported, history.uploads, tmp_path)
    await keep(history.database, history.uploads, again, user)
    kept = await load(history, "new")
    assert (kept.owner, kept.name, kept.settings) == ("anna", again.name, again.settings)
    assert kept.conversation == again.conversation


@pytest.mark.parametrize(("piece", "batch"), [(1, 1), (3, 1), (7, 20)])
async def test_a_chat_read_in_small_pieces_is_the_same(
    exported: bytes, reader: ThreadReader, monkeypatch: pytest.MonkeyPatch, piece: int, batch: int
) -> None:
    markdown = await joined(chat_zip(reader, "en"))
    monkeypatch.setattr(reading, "_SLICE", piece)
    monkeypatch.setattr(reading, "_BATCH", batch)
    assert await joined(chat_json(reader)) == exported
    with (
        zipfile.ZipFile(io.BytesIO(markdown)) as whole,
        zipfile.ZipFile(io.BytesIO(await joined(chat_zip(reader, "en")))) as pieces,
    ):
        assert pieces.read("chat.md") == whole.read("chat.md")


async def test_a_chat_with_a_time_that_no_calendar_has_is_opened(
    history: History, thread: Thread, reader: ThreadReader, tmp_path: Path
) -> None:
    async with history.database.writing() as connection:
        await connection.execute(update(turns).where(turns.c.id == "a").values(asked=-5e11))
        await connection.execute(update(turns).where(turns.c.id == "b2").values(asked=5e11))
    kept = await load(history, thread.id)
    # The steps of a page are made in the context of a session.
    init_http_context()
    session = SimpleNamespace(id="a session", thread_id=thread.id, chat_settings={})
    chat = Chat("en", conversation=kept.conversation)
    page = page_of(cast("WebsocketSession", session), chat, chat.conversation.turns, "Kimi")
    days = {step["output"]: str(step["createdAt"])[:10] for step in page["steps"] if step["type"] == "user_message"}
    assert days == {"What is this?": "1970-01-01", "B": "9999-12-31"}
    assert "## Question · 9999-12-30" in (await joined(chat_markdown(reader, "en"))).decode()
    # It can be exported, and imported again.
    again = await taken_in(await joined(chat_json(reader)), history.uploads, tmp_path)
    assert [turn.text for turn in again.conversation.turns] == ["What is this?", "B"]


async def test_no_one_reads_another_persons_thread(history: History, users: Users, thread: Thread) -> None:
    other = ThreadReader(history.database, history.uploads, thread.id, (await users.get("bert")).id)
    assert await other.name() is None
    with pytest.raises(HistoryError):
        await joined(chat_json(other))
    with pytest.raises(HistoryError):
        _ = [piece async for piece in other.answer(thread.conversation.turns[0].answers[0].id)]


async def test_a_chat_that_is_deleted_while_it_is_read_is_no_whole_file(
    history: History, reader: ThreadReader, thread: Thread, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_BATCH", 1)
    pieces = chat_json(reader)
    await anext(pieces)
    await history.of(user).delete(thread.id)
    with pytest.raises(HistoryError):
        await joined(pieces)


def test_every_field_of_an_answer_is_in_the_file(exported: bytes) -> None:
    [answer, _] = json.loads(exported)["turns"][0]["answers"]
    assert {field.name for field in fields(Answer)} - {"id"} == answer.keys()


async def test_places_follow_their_picture_to_its_new_file(exported: bytes, uploads: Path, tmp_path: Path) -> None:
    chat = json.loads(exported)
    [first, _] = chat["turns"][0]["answers"]
    old = hashlib.sha256(base64.b64decode(chat["turns"][0]["pictures"][0]["data"])).hexdigest()
    place = {"label": "TEA", "shape": [0.5, 0.5]}
    first["places"] = [{"file": f"{name}.jpg", "places": [place]} for name in (old, "0" * 64)]
    [turn, *_] = (await taken_in(json.dumps(chat).encode(), uploads, tmp_path)).conversation.turns
    new = Path(turn.pictures[0].path).name
    assert turn.answers[0].places == [PicturePlaces(new, [Place("TEA", (0.5, 0.5))])]


OLD = {
    "format": "kimi-vl-chat", "version": 1, "name": "Old", "preset": "", "settings": {}, "shown": "a",
    "turns": [
        {
            "id": "a", "parent": "", "page_id": "a", "chosen": 1, "asked": 1.5, "text": "What is this?", "pictures": [],
            "answers": [
                {
                    "comment": "no", "ending": "length", "engine_splits": False, "feedback": 0, "instant": True,
                    "line": "", "seconds_thinking": None, "thinking_cut": False, "reasoning": "", "text": "A",
                },
                {
                    "comment": "", "ending": "stop", "engine_splits": True, "feedback": None, "instant": False,
                    "line": "kimi · 3 tokens", "seconds_thinking": 2.5, "thinking_cut": True, "reasoning": "hm",
                    "text": "A sign.",
                },
                {"ending": "stopped", "reasoning": "so"},
            ],
        }
    ],
}  # fmt: skip
"""As version 1 of the format was written."""


async def test_a_file_of_the_first_version_is_imported(history: History, user: str, tmp_path: Path) -> None:
    thread = await taken_in(json.dumps(OLD).encode(), history.uploads, tmp_path)
    await keep(history.database, history.uploads, thread, user)
    [turn] = (await load(history, "new")).conversation.turns
    assert turn.answers == [
        Answer(parts_of(text="A"), "length", feedback=0, comment="no", instant=True),
        Answer(parts_of("hm", "A sign."), "stop", 2.5, True, line="kimi · 3 tokens", thinking_cut=True),
        Answer(parts_of("so"), "stopped"),
    ]
    assert turn.answer
    assert footer_line(turn.answer, "zh") == "kimi · 3 tokens"


async def test_an_answer_never_keeps_the_id_of_a_file(uploads: Path, tmp_path: Path) -> None:
    chat = {"format": "kimi-vl-chat", "version": 2, "name": "", "turns": [{**A_TURN, "answers": [{"id": "theirs"}]}]}
    thread = await taken_in(json.dumps(chat).encode(), uploads, tmp_path)
    [answer] = thread.conversation.turns[0].answers
    assert answer.id != "theirs"


async def test_the_zip_has_the_lines_in_the_language_of_the_person_who_downloads_it(reader: ThreadReader) -> None:
    with zipfile.ZipFile(io.BytesIO(await joined(chat_zip(reader, "zh")))) as folder:
        markdown = folder.read("chat.md").decode()
    assert "*kimi-vl · 首个词元 0.50 秒 · 2.0 词元/秒 · 输入 1,200 词元，输出 5 词元*" in markdown
    assert "*kimi · 3 tokens*" in markdown


async def test_the_zip_has_the_branch_that_is_shown_with_its_pictures(reader: ThreadReader) -> None:
    with zipfile.ZipFile(io.BytesIO(await joined(chat_zip(reader, "en")))) as folder:
        assert folder.namelist() == ["chat.md", "pictures/01-招牌 1.png"]
        assert folder.read("pictures/01-招牌 1.png").startswith(b"\x89PNG")
        markdown = folder.read("chat.md").decode()
    assert markdown == (
        f"# A tea house?\n\n## Question · {when(1)}\n\n![招牌 1.png](pictures/01-招牌%201.png)\n\n"
        "*Picture that is no longer kept: b*\n\nWhat is this?\n\n"
        "## Another answer\n\n<details><summary>Thinking</summary>\n\nso\n\n</details>\n\nNo \n\n"
        '<details><summary>Tool: a</summary>\n\n```\n{"x": "\0`"}\n```\n\n</details>\n\n'
        "<details><summary>Result</summary>\n\n````\n```\nit is\n````\n\n</details>\n\n"
        "<details><summary>Thinking</summary>\n\nwait\n\n</details>\n\nidea.\n\n"
        "*kimi-vl · first token 0.50 s · 2.0 tokens/s · 1,200 tokens in, 5 out*\n\n"
        "## Answer\n\n<details><summary>Thinking</summary>\n\nhm\n\n</details>\n\n"
        f"A **tea** house.\n\n*kimi · 3 tokens*\n\n## Question · {when(4)}\n\nB\n\n## Answer\n\nBecause.\n"
    )


async def test_the_pictures_of_results_come_along(
    history: History, user: str, uploads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = uploads / "t"
    folder.mkdir(parents=True)
    red, gone = "a" * 64 + ".png", "b" * 64 + ".png"
    (folder / red).write_bytes(png(shop_sign("TEA")))
    pictures = [ResultPicture(red, "near 1", 640, 400), ResultPicture(gone, "near 2", 640, 400)]
    answer = Answer([ToolCall("1", "a", "{}"), ToolResult("1", "red", pictures=pictures), Text("Red.")], "stop")
    conversation = Conversation()
    conversation.ask(Turn("a", "?", answers=[answer], chosen=0, asked=1))
    await keep(history.database, uploads, Thread("t", "anna", "Tools", conversation=conversation), user)
    reader = ThreadReader(history.database, uploads, "t", user)
    assert await has_pictures(reader)
    with zipfile.ZipFile(io.BytesIO(await joined(chat_zip(reader, "en")))) as opened:
        assert opened.namelist() == ["chat.md", "pictures/01-near 1.png"]
        assert "![near 1](pictures/01-near%201.png)\n\n*Picture that is no longer kept: near 2*" in (
            opened.read("chat.md").decode()
        )
    whole = await joined(chat_json(reader))
    result = (await taken_in(whole, uploads, tmp_path)).conversation.turns[0].answers[0].steps[1]
    assert isinstance(result, ToolResult)
    [picture] = result.pictures
    assert picture.name == "near 1"
    assert (uploads / "new" / picture.file).is_file()
    # A file that claims more pictures than are taken, or ones that are none.
    monkeypatch.setattr(imports, "_MOST_PICTURES", 0)
    result = (await taken_in(whole, uploads, tmp_path)).conversation.turns[0].answers[0].steps[1]
    assert isinstance(result, ToolResult)
    assert result.pictures == []
    monkeypatch.undo()
    with pytest.raises(ImportedError, match="import_picture"):
        await taken_in(whole.replace(b'"iVBOR', b'"AAAAA'), uploads, tmp_path)


async def test_a_chat_whose_shown_branch_has_no_picture_is_one_file(reader: ThreadReader, uploads: Path) -> None:
    assert await has_pictures(reader)
    (uploads / "old" / "x.png").unlink()
    assert not await has_pictures(reader)
    markdown = (await joined(chat_markdown(reader, "en"))).decode()
    assert "*Picture that is no longer kept: 招牌 1.png*" in markdown
    assert markdown.endswith("Because.\n")


async def test_a_name_is_no_markup_in_the_file(history: History, user: str) -> None:
    picture = Picture(str(history.uploads / "t" / "x.png"), "](javascript:x) <b>\n# a_b", 1, 1)
    conversation = Conversation()
    conversation.ask(Turn("a", "?", [picture], asked=1))
    await keep(history.database, history.uploads, Thread("t", "anna", "*N*\n# x", conversation=conversation), user)
    markdown = (await joined(chat_markdown(ThreadReader(history.database, history.uploads, "t", user), "en"))).decode()
    assert markdown.startswith("# \\*N\\* # x\n")
    assert r"kept: \](javascript:x) \<b\> # a\_b*" in markdown


def changed(exported: bytes, **changes: Any) -> bytes:
    return json.dumps({**json.loads(exported), **changes}).encode()


NO_PICTURE = base64.b64encode(b"<svg/>").decode()
A_TURN: dict[str, Any] = {"id": "a", "text": "a"}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"format": "other"}, "import_unknown"),
        ({"version": 3}, "import_newer"),
        ({"turns": []}, "import_unknown"),
        ({"turns": [{"id": "a", "text": 7}]}, "import_unknown"),
        ({"turns": [{**A_TURN, "parent": "nobody"}]}, "import_unknown"),
        ({"turns": [{**A_TURN, "parent": "a"}]}, "import_unknown"),
        ({"turns": [{**A_TURN, "parent": "b"}, {"id": "b", "text": "b", "parent": "a"}]}, "import_unknown"),
        ({"turns": [A_TURN, A_TURN]}, "import_unknown"),
        ({"turns": [{**A_TURN, "asked": -1}]}, "import_unknown"),
        ({"turns": [{**A_TURN, "asked": LAST_SECOND + 1}]}, "import_unknown"),
        ({"turns": [{**A_TURN, "asked": float("inf")}]}, "import_unknown"),
        ({"turns": [{**A_TURN, "answers": [{"seconds_thinking": 1e308}]}]}, "import_unknown"),
        ({"turns": [{**A_TURN, "answers": [{"ending": "surprise"}]}]}, "import_unknown"),
        ({"turns": [{**A_TURN, "answers": [{"text": 7}]}]}, "import_unknown"),
        ({"turns": [{**A_TURN, "answers": [{"parts": [{"kind": "surprise", "text": ""}]}]}]}, "import_unknown"),
        ({"turns": [{**A_TURN, "answers": [{"figures": {"model": 7}}]}]}, "import_unknown"),
        ({"turns": [{**A_TURN, "answers": [{"figures": {"model": "", "writing": -1}}]}]}, "import_unknown"),
        ({"turns": [{**A_TURN, "answers": "many"}]}, "import_unknown"),
        ({"turns": ["a turn"]}, "import_unknown"),
        ({"turns": [{"id": str(n), "text": ""} for n in range(imports.MOST_TURNS + 1)]}, "import_too_long"),
        ({"turns": [{**A_TURN, "pictures": [{"name": "x", "data": "!"}]}]}, "import_picture"),
        ({"turns": [{**A_TURN, "pictures": [{"name": "x", "data": NO_PICTURE}]}]}, "import_picture"),
        ({"turns": [{**A_TURN, "pictures": [{"name": "x", "data": ""}] * 201}]}, "import_too_much"),
    ],
)  # fmt: skip
async def test_a_file_that_is_no_chat_is_rejected(tmp_path: Path, changes: dict[str, Any], key: str) -> None:
    whole = json.dumps({"format": "kimi-vl-chat", "version": 1, "name": "n", "turns": [A_TURN]}).encode()
    await taken_in(whole, tmp_path, tmp_path)
    with pytest.raises(ImportedError) as error:
        await taken_in(changed(whole, **changes), tmp_path, tmp_path)
    assert error.value.key == key


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"\xff", b"{" * 100_000, b'"x"', b"PK\x03\x04"])
async def test_rubbish_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(ImportedError):
        await taken_in(data, tmp_path, tmp_path)


async def test_the_claims_of_a_file_are_kept_within_limits(exported: bytes, uploads: Path, tmp_path: Path) -> None:
    settings = {"temperature": 9, "evil": "x", "stop": json.loads("[" * 400 + "]" * 400)}
    data = changed(exported, name="n" * 1000, settings=settings, shown="nobody", later="ignored")
    again = await taken_in(data, uploads, tmp_path)
    assert len(again.name) <= 80
    assert again.settings == {"temperature": 9, "stop": []}
    assert again.conversation.turns[-1].text == "B"


async def test_the_pictures_of_an_import_go_with_it_when_it_fails_and_stay_when_it_does_not(
    exported: bytes, uploads: Path, tmp_path: Path
) -> None:
    async with folder_of_an_import(uploads / "new"):
        await taken_in(exported, uploads, tmp_path)
        assert (uploads / "new" / imports.MARK).exists()
    assert [path.suffix for path in (uploads / "new").iterdir()] == [".png"]
    with pytest.raises(OSError, match="full"):
        async with folder_of_an_import(uploads / "new"):
            await taken_in(exported, uploads, tmp_path)
            raise OSError("full")
    assert not (uploads / "new").exists()


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("a/b\\c:d", "a_b_c_d"),
        ("../..", "chat"),
        ("", "chat"),
        ("店铺?", "店铺"),
        ("x" * 100, "x" * 60),
        ('"\r\n', "chat"),
    ],
)
def test_a_name_is_safe_on_any_system(words: str, name: str) -> None:
    assert file_name(words) == name
