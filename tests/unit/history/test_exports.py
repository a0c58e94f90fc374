"""A chat as files: everything comes back from its JSON under new ids; nothing else than a chat is taken in."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from app.conversation import Answer, Conversation, Picture, Turn
from app.history import exports
from app.history.exports import ImportedError, file_name, from_json, to_json, to_zip
from app.history.store import Thread
from tests.pictures import png, shop_sign


@pytest.fixture
def thread(tmp_path: Path) -> Thread:
    """a → b → c, b edited into b2; a has two pictures, of which one is gone, and two answers."""
    folder = tmp_path / "uploads" / "old"
    folder.mkdir(parents=True)
    (folder / "x.png").write_bytes(png(shop_sign("TEA", "house")))
    pictures = [Picture(str(folder / "x.png"), "招牌 1.png", 640, 400), Picture(str(folder / "gone.png"), "b", 1, 1)]
    good = Answer("hm", "A **tea** house.", "stop", 2.5, feedback=1, comment="yes", line="kimi · 3 tokens")
    conversation = Conversation()
    for turn in [
        Turn("a", "What is this?", pictures, [Answer(text="No idea."), good], 1, asked=1),
        Turn("b", "b", asked=2),
        Turn("c", "c", asked=3),
        Turn("b2", "B", answers=[Answer(text="Because.")], chosen=0, page_id="b", asked=4),
    ]:
        conversation.ask(turn)
    return Thread("old", "anna", "A tea house?", "describe", {"temperature": 0.3}, conversation=conversation)


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    return tmp_path / "uploads"


def test_everything_comes_back_under_new_ids(thread: Thread, uploads: Path) -> None:
    again = from_json(to_json(thread), "new", uploads)
    assert (again.id, again.owner, again.name, again.preset, again.settings) == (
        "new", "", "A tea house?", "describe", {"temperature": 0.3},
    )  # fmt: skip
    shown, aside = again.conversation.turns, again.conversation.aside
    assert [turn.text for turn in shown] == ["What is this?", "B"]
    assert [turn.text for turn in aside] == ["b", "c"]
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


def test_every_field_of_an_answer_can_be_taken_in() -> None:
    assert {field.name for field in fields(Answer)} - {"id"} == set(exports._Answer.model_fields)


def test_the_zip_has_the_branch_that_is_shown_with_its_pictures(thread: Thread) -> None:
    with zipfile.ZipFile(io.BytesIO(to_zip(thread, "en"))) as folder:
        assert folder.namelist() == ["pictures/01-招牌 1.png", "chat.md"]
        assert folder.read("pictures/01-招牌 1.png").startswith(b"\x89PNG")
        markdown = folder.read("chat.md").decode()
    assert markdown == (
        "# A tea house?\n\n## Question\n\n![](pictures/01-招牌%201.png)\n\nWhat is this?\n\n"
        "## Another answer\n\nNo idea.\n\n## Answer\n\n<details><summary>Thinking</summary>\n\nhm\n\n</details>\n\n"
        "A **tea** house.\n\n*kimi · 3 tokens*\n\n## Question\n\nB\n\n## Answer\n\nBecause.\n"
    )


def changed(thread: Thread, **changes: Any) -> bytes:
    return json.dumps({**json.loads(to_json(thread)), **changes}).encode()


NO_PICTURE = base64.b64encode(b"<svg/>").decode()
A_TURN: dict[str, Any] = {"id": "a", "text": "a"}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"format": "other"}, "import_unknown"),
        ({"version": 2}, "import_newer"),
        ({"turns": []}, "import_unknown"),
        ({"turns": [{"id": "a", "text": 7}]}, "import_unknown"),
        ({"turns": [{**A_TURN, "parent": "nobody"}]}, "import_unknown"),
        ({"turns": [{**A_TURN, "parent": "a"}]}, "import_unknown"),
        ({"turns": [{**A_TURN, "parent": "b"}, {"id": "b", "text": "b", "parent": "a"}]}, "import_unknown"),
        ({"turns": [A_TURN, A_TURN]}, "import_unknown"),
        ({"turns": [{**A_TURN, "asked": -1}]}, "import_unknown"),
        ({"turns": [{**A_TURN, "answers": [{"ending": "surprise"}]}]}, "import_unknown"),
        ({"turns": [{**A_TURN, "pictures": [{"name": "x", "data": "!"}]}]}, "import_picture"),
        ({"turns": [{**A_TURN, "pictures": [{"name": "x", "data": NO_PICTURE}]}]}, "import_picture"),
        ({"turns": [{**A_TURN, "pictures": [{"name": "x", "data": ""}] * 201}]}, "import_too_much"),
    ],
)  # fmt: skip
def test_what_is_no_chat_is_refused(thread: Thread, uploads: Path, changes: dict[str, Any], key: str) -> None:
    with pytest.raises(ImportedError) as error:
        from_json(changed(thread, **changes), "new", uploads)
    assert error.value.key == key


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"\xff", b"{" * 100_000, b'"x"', b"PK\x03\x04"])
def test_rubbish_is_refused(data: bytes, uploads: Path) -> None:
    with pytest.raises(ImportedError):
        from_json(data, "new", uploads)


def test_what_a_file_claims_of_itself_is_kept_within_limits(thread: Thread, uploads: Path) -> None:
    data = changed(thread, name="n" * 1000, settings={"temperature": 9, "evil": "x"}, shown="nobody", later="ignored")
    again = from_json(data, "new", uploads)
    assert len(again.name) <= 80
    assert again.settings == {"temperature": 9}
    assert again.conversation.turns[-1].text == "B"


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
