"""The chats of a person who has left are deleted with their pictures, or belong to another person."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.history.copies import Copy
from app.history.database import Database
from app.history.leaving import count, delete_chats, hand_over, known, main, names
from app.history.store import History
from app.history.users import Users
from app.talk.conversation import new_id
from tests.unit.app.history.test_store import a_turn, somebody


async def chat_of(history: History, user_id: str) -> str:
    """A saved chat of a user, with pictures."""
    copy = Copy(user_id, new_id())
    turn = a_turn(history, copy.thread_id)
    await history.save(copy, [turn], {}, turn.id)
    return copy.thread_id


async def test_the_chats_of_one_person_are_deleted_and_no_others(
    database: Database, history: History, users: Users
) -> None:
    anna, bert = (await users.get("anna")).id, (await users.get("bert")).id
    annas = [await chat_of(history, anna) for _ in range(2)]
    berts = await chat_of(history, bert)
    assert await count(database, "anna") == 2
    assert await names(database) == ["bert", "anna"]
    assert [await known(database, name) for name in ("anna", "Anna", "anne")] == [True, False, False]
    assert await delete_chats(database, history.uploads, "anna") == 2
    assert [await history.of(anna).head(thread) for thread in annas] == [None, None]
    assert [(history.uploads / thread).exists() for thread in (*annas, berts)] == [False, False, True]
    assert await history.of(bert).head(berts)
    assert await delete_chats(database, history.uploads, "nobody") == await count(database, "anna") == 0


async def test_the_chats_of_one_person_are_handed_over(database: Database, history: History, users: Users) -> None:
    anna = await somebody(users, "anna")
    thread = await chat_of(history, anna)
    # Bert has never signed in.
    assert await hand_over(database, "anna", "bert") == 1
    bert = (await users.get("bert")).id
    assert await history.of(anna).head(thread) is None
    found = await history.of(bert).head(thread)
    assert found
    assert found.owner == "bert"
    assert (history.uploads / thread / "a.png").exists()


def test_the_settings_file_says_where_the_chats_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("KIMI_WORKSPACE", raising=False)
    monkeypatch.setattr("engine.config.ROOT", tmp_path)
    monkeypatch.setattr("sys.argv", ["leaving", "--", "count", "anna"])
    (tmp_path / ".env").write_text(f"KIMI_WORKSPACE={tmp_path}\n")
    assert main() == 0
    assert capsys.readouterr().out == "0\n"
    assert (tmp_path / "chat.db").is_file()
    (tmp_path / ".env").write_bytes(b"KIMI_WORKSPACE=caf\xe9\n")
    assert main() == 1
    assert "is not UTF-8" in capsys.readouterr().err
