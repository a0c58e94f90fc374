"""A running product is backed up, and every chat opens in the workspace that the backup is restored into."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.config import ROOT
from tests.browser.access.test_safety import Caller
from tests.engine.test_faults import fill, mounted
from tests.instruments import bad_files
from tests.instruments.postgres import Postgres, binaries, running_postgres
from tests.instruments.product import Product, running_product
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import EngineThread
from tests.instruments.visitor import Visitor

QUESTIONS = ("The first?", "Und die zweite?", "第三个问题?")


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineThread]:
    """The engine."""
    with EngineThread() as thread:
        yield thread


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL for the tests."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed; on Debian or Ubuntu: apt-get install postgresql")
    with running_postgres(programs) as server:
        yield server


def settings(engine: EngineThread, url: str = "") -> dict[str, str]:
    own = {"KIMI_ENGINE": "openai", "OPENAI_API_BASE": engine.engine.base_url, "OPENAI_API_KEY": "none"}
    return own | ({"KIMI_DATABASE_URL": url} if url else {})


async def chat(product: Product, question: str) -> None:
    """A chat of its own with a picture."""
    async with Visitor(product) as visitor:
        status, reply = await visitor.upload("sign.png", "image/png", bad_files.whole("PNG"))
        assert status == 200
        await visitor.ask(question, [json.loads(reply)["id"]])


def opened(product: Product) -> dict[str, dict[str, Any]]:
    """Every chat of the page's person, opened, by its first question."""
    caller = Caller(product).sign_in()
    body = json.dumps({"pagination": {"first": 100}, "filter": {}}).encode()
    status, _, reply = caller.request("POST", "/project/threads", body, Content_Type="application/json")
    assert status == 200
    found = {}
    for thread in json.loads(reply)["data"]:
        assert caller.request("GET", f"/project/thread/{thread['id']}")[0] == 200
        status, _, whole = caller.request("GET", f"/api/threads/{thread['id']}/chat.json")
        assert status == 200
        read = json.loads(whole)
        found[read["turns"][0]["text"]] = read
    return found


def said(one: dict[str, Any]) -> list[str]:
    answers = [answer for turn in one["turns"] for answer in turn["answers"]]
    return ["".join(part["text"] for part in answer["parts"] if part["kind"] == "text") for answer in answers]


def pictures(one: dict[str, Any]) -> list[bytes]:
    return [base64.b64decode(picture["data"]) for turn in one["turns"] for picture in turn["pictures"]]


def private(folder: Path) -> bool:
    """Whether only its owner can read anything in it."""
    return all(not stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (folder, *folder.rglob("*")))


async def in_use(product: Product) -> None:
    """The chats as people left them."""
    for question in QUESTIONS:
        await chat(product, question)
    added = await asyncio.to_thread(
        subprocess.run, [ROOT / "start.sh", "user", "add", "anna"], env=product.environment, input=b"a long password\n"
    )
    assert added.returncode == 0
    assert product.run("key", "add", "robot").returncode == 0


async def backed_up_under_an_answer(product: Product, engine: EngineThread, backup: Path) -> None:
    engine.engine.script = Script(answer=["On ", "and ", "on. "] * 200, rate=20)
    async with Visitor(product) as visitor:
        await visitor.start("How long?")
        await visitor.until(lambda events: any("on." in str(event) for event in events), "an answer")
        # What is shown is saved within two seconds.
        await asyncio.sleep(3)
        made = await asyncio.to_thread(product.run, "backup", str(backup))
    assert (made.returncode, made.stderr) == (0, "")
    engine.engine.script = Script()


def check_forced(product: Product, backup: Path, copy: str) -> None:
    refused = product.run("restore", str(backup))
    assert (refused.returncode, "has 5 chats: use --force to move them aside" in refused.stderr) == (1, True)
    forced = product.run("restore", str(backup), "--force")
    assert (forced.returncode, forced.stderr) == (0, "")
    [aside] = product.workspace.glob("before-restore-*")
    assert str(aside) in forced.stdout
    assert (aside / copy).stat().st_size > 1000
    assert len(list((aside / "uploads").rglob("*.png"))) == 4
    assert stat.S_IMODE(aside.stat().st_mode) == 0o700


@pytest.mark.parametrize(("kind", "copy"), [("sqlite", "chat.db"), ("postgresql", "chats.dump")])
async def test_every_chat_of_a_backup_made_while_it_runs_opens_in_a_new_workspace(
    kind: str, copy: str, engine: EngineThread, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue("postgres") if kind == "postgresql" else None
    backup = tmp_path / "backups" / "monday"
    with running_product(tmp_path / "old", **settings(engine, server.create() if server else "")) as old:
        await in_use(old)
        before = opened(old)
        await backed_up_under_an_answer(old, engine, backup)
        await chat(old, "Too late?")
    assert private(backup)
    assert [path.name for path in backup.parent.iterdir()] == ["monday"], "nothing half done is left"

    new = Product(tmp_path / "new", **settings(engine, server.create() if server else ""))
    restored = new.run("restore", str(backup))
    assert (restored.returncode, restored.stderr) == (0, "")
    assert "Restored 4 chats and 3 pictures" in restored.stdout
    new.start()
    try:
        new.until_ready()
        after = opened(new)
        assert set(after) == {*QUESTIONS, "How long?"}
        for question, found in before.items():
            assert (said(after[question]), pictures(after[question])) == (["An answer."], pictures(found))
            assert len(pictures(found)) == 1
        assert "on." in said(after["How long?"])[0], "what had come of the answer"
        assert new.run("user", "list").stdout == "anna\n"
        assert new.run("key", "list").stdout == "robot\n"
        refused = new.run("restore", str(backup), "--force")
        assert (refused.returncode, "stop it first" in refused.stderr) == (1, True)
        await chat(new, "And now?")
    finally:
        new.stop()
    check_forced(new, backup, copy)
    new.start()
    try:
        new.until_ready()
        assert set(opened(new)) == {*QUESTIONS, "How long?"}
    finally:
        new.stop()


async def test_the_copy_of_chat_db_alone_lacks_what_a_backup_has(engine: EngineThread, tmp_path: Path) -> None:
    """Why operations.md says that it must not be copied alone."""
    engine.engine.script = Script()
    with running_product(tmp_path / "workspace", **settings(engine)) as product:
        await chat(product, "In the log that is written ahead?")
        (tmp_path / "chat.db").write_bytes((product.workspace / "chat.db").read_bytes())
        assert product.run("backup", str(tmp_path / "backup")).returncode == 0
    numbers = []
    for file in (tmp_path / "backup" / "chat.db", tmp_path / "chat.db"):
        with closing(sqlite3.connect(file)) as copy:
            known = copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'threads'").fetchone()
            numbers.append(copy.execute("SELECT count(*) FROM threads").fetchone()[0] if known else 0)
    assert numbers == [1, 0]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(engine: EngineThread, tmp_path: Path) -> None:
    product = Product(tmp_path / "workspace", **settings(engine))
    (product.workspace / "uploads" / "a-thread").mkdir(parents=True)
    (product.workspace / "uploads" / "a-thread" / "large.png").write_bytes(b"x" * 3_000_000)
    with closing(sqlite3.connect(product.workspace / "chat.db")) as chats:
        chats.execute("CREATE TABLE threads (id text)")
    with mounted(tmp_path / "disk") as disk:
        ballast = fill(disk)
        # No room for the chats, and none for the pictures.
        for room in (4096, 1_000_000):
            with ballast.open("rb+") as file:
                file.truncate(ballast.stat().st_size - room)
            ended = product.run("backup", str(disk / "backup"))
            assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
            assert "could not be made (No space left on device" in ended.stderr
            assert list(disk.iterdir()) == [ballast]
    assert product.run("backup", str(tmp_path / "backup")).returncode == 0
    with mounted(tmp_path / "small") as disk:
        ballast = fill(disk)
        with ballast.open("rb+") as file:
            file.truncate(ballast.stat().st_size - 1_000_000)
        smaller = Product(disk / "workspace", **settings(engine))
        ended = smaller.run("restore", str(tmp_path / "backup"))
        assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
        assert "could not be restored (No space left on device" in ended.stderr
        assert not list(smaller.workspace.glob("*restor*"))
        assert not list(smaller.workspace.rglob("*.png"))


def test_nothing_starts_in_a_workspace_that_is_half_restored(engine: EngineThread, tmp_path: Path) -> None:
    product = Product(tmp_path / "workspace", **settings(engine))
    (product.workspace / "run").mkdir(parents=True)
    (product.workspace / "run" / "restoring").write_text("/backups/last monday\n")
    ended = product.run()
    assert ended.returncode == 1
    assert ended.stderr == (
        f"A restore into {product.workspace} was interrupted; finish it: "
        "./start.sh restore --force '/backups/last monday'\n"
    )
