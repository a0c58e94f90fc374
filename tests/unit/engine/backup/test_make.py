"""Backups: complete or absent, checked before anything changes, and never over existing chats."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from engine.access.ended_logins import EndedLogins
from engine.backup import chat_store
from engine.backup import restore as restoring
from engine.backup.chat_store import BackupError, SqliteStore
from engine.backup.make import MANIFEST, kept, make_backup, read_manifest
from engine.backup.restore import restore
from engine.config import ROOT, Settings, Workspace
from engine.supervise import workspace_lock
from tests.instruments.ports import free_port
from tests.instruments.postgres import Postgres, binaries, running_postgres

_DAY = 86400


def written(root: Path, chats: int) -> Workspace:
    """A workspace with so many chats and a picture."""
    files = Workspace(root)
    files.create()
    with closing(sqlite3.connect(files.chats)) as database, database:
        database.execute("CREATE TABLE threads (id text)")
        database.executemany("INSERT INTO threads VALUES (?)", [(str(number),) for number in range(chats)])
    (files.uploads / "thread").mkdir()
    (files.uploads / "thread" / "a.png").write_bytes(b"a picture")
    (files.run / "people.json").write_text('{"anna": "hash"}')
    return files


def store(files: Workspace) -> SqliteStore:
    return SqliteStore(files.chats)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    files = written(tmp_path / "workspace", 2)
    make_backup(files, store(files), tmp_path / "backup")
    return tmp_path / "backup"


def test_what_is_of_this_life_alone_is_left_out_and_what_is_new_is_kept(tmp_path: Path) -> None:
    files = written(tmp_path / "workspace", 1)
    for name in ("lock", "workspace.id", "supervisor.json", "groups.json", "status.json", "people.lock", ".x.123"):
        (files.run / name).write_text("x")
    for name in ("auth.secret", "password", "a-later-version.json"):
        (files.run / name).write_text("x")
    (files.page_root / "frontend").mkdir(parents=True)
    (files.page_root / "frontend" / "index.html").write_text("x")
    (files.uploads / "thread" / ".half.png.1.2").write_text("x")
    (files.uploads / "thread" / "link.png").symlink_to("/etc/passwd")
    files.presets.mkdir()
    (files.presets / "mine.toml").write_text("x")
    files.app_log.write_text("x")
    assert sorted(kept(files.root)) == [
        "presets/mine.toml", "run/a-later-version.json", "run/auth.secret", "run/password", "run/people.json",
        "uploads/thread/a.png",
    ]  # fmt: skip


def _gone(folder: Path) -> None:
    (folder / "uploads" / "thread" / "a.png").unlink()


def _other_bytes(folder: Path) -> None:
    (folder / "uploads" / "thread" / "a.png").write_bytes(b"b picture")


def _short(folder: Path) -> None:
    os.truncate(folder / "chat.db", 4096)


def _no_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


def _half_a_manifest(folder: Path) -> None:
    os.truncate(folder / MANIFEST, 100)


def _manifest(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        known = json.loads((folder / MANIFEST).read_text())
        (folder / MANIFEST).write_text(json.dumps(known | changes))

    return change


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (_gone, "uploads/thread/a.png is missing"),
        (_other_bytes, "uploads/thread/a.png has changed since it was written"),
        (_short, "chat.db has changed since it was written"),
        (_no_manifest, "is not a backup"),
        (_half_a_manifest, "is damaged"),
        (_manifest(version=2), "newer version of Kimi-VL Chat: update this"),
        (_manifest(format="something"), "is not a backup"),
        (_manifest(files={}), "it contains no chats"),
        (_manifest(files={"../../outside/x": {}}), "it names '../../outside/x'"),
        (_manifest(files={"/etc/passwd": {}}), "it names '/etc/passwd'"),
        (_manifest(files={"run/lock": {}}), "it names 'run/lock'"),
        (_manifest(database="postgresql"), "change KIMI_DATABASE_URL"),
    ],
)
def test_a_damaged_backup_is_refused_in_a_sentence_and_changes_nothing(
    tmp_path: Path, backup: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    damage(backup)
    files = written(tmp_path / "other", 3)
    before = sorted(files.root.rglob("*"))
    with pytest.raises(BackupError, match="(?s)" + sentence.replace(".", r"\.")):
        restore(backup, files, store(files), force=True)
    assert sorted(set(files.root.rglob("*")) - {files.lock}) == before
    assert store(files).chats() == 3


def test_chats_and_pictures_are_never_overwritten_unasked(tmp_path: Path, backup: Path) -> None:
    files = written(tmp_path / "other", 3)
    with pytest.raises(BackupError, match="has 3 chats: use --force"):
        restore(backup, files, store(files), force=False)
    files.chats.unlink()
    with pytest.raises(BackupError, match="has pictures: use --force"):
        restore(backup, files, store(files), force=False)
    (files.uploads / "thread" / "a.png").unlink()
    _, aside = restore(backup, files, store(files), force=False)
    assert aside is not None
    assert (aside / "run" / "people.json").exists(), "people that were there are put aside, too"
    assert store(files).chats() == 2
    assert (files.uploads / "thread" / "a.png").read_bytes() == b"a picture"


def test_nothing_is_restored_while_it_runs(tmp_path: Path, backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace_lock, "_PATIENCE", 0.1)
    files = written(tmp_path / "other", 0)
    with workspace_lock.holding(files.lock), pytest.raises(BackupError, match="stop it first"):
        restore(backup, files, store(files), force=True)


def test_an_interrupted_restore_is_finished_by_repeating_it(
    tmp_path: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = written(tmp_path / "other", 3)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("engine.backup.restore._move", killed)
        with pytest.raises(KeyboardInterrupt):
            restore(backup, files, store(files), force=True)
    assert files.restoring.read_text().strip() == str(backup)
    with pytest.raises(BackupError, match="was interrupted"):
        make_backup(files, store(files), tmp_path / "of half a workspace")
    restore(backup, files, store(files), force=True)
    assert not files.restoring.exists()
    assert store(files).chats() == 2
    kept_aside = [SqliteStore(path).chats() for path in files.root.glob("before-restore-*/chat.db")]
    assert sorted(kept_aside) == [2, 3]


def test_a_login_that_was_ended_after_the_backup_stays_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = written(tmp_path / "workspace", 2)
    ended = EndedLogins(files.logins)
    ended.end("anna", "before", time.time())
    ended.end_all("carl")
    ended.end("carl", "c1", time.time())
    make_backup(files, store(files), tmp_path / "backup")
    ended.end("anna", "after", time.time())
    ended.end_all("bert")
    ended.end("carl", "c2", time.time())
    move = restoring._move

    def killed(source: Path, target: Path) -> None:
        move(source, target)
        if source == files.logins:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("engine.backup.restore._move", killed)
        restore(tmp_path / "backup", files, store(files), force=True)
    restore(tmp_path / "backup", files, store(files), force=True)
    assert {login for login in ("before", "after", "other") if ended.has("anna", login, 0)} == {"before", "after"}
    assert ended.has("bert", "any", 0)
    assert [ended.has("carl", login, 1) for login in ("c1", "c2", "c3")] == [True, True, False]


def test_pictures_are_as_old_as_they_were(tmp_path: Path, backup: Path) -> None:
    picture = backup / "uploads" / "thread" / "a.png"
    made = time.time() - 100 * _DAY
    os.utime(picture, (made - 5 * _DAY, made - 5 * _DAY))
    _manifest(made_at=made)(backup)
    files = Workspace(tmp_path / "new")
    restore(backup, files, store(files), force=False)
    age = time.time() - (files.uploads / "thread" / "a.png").stat().st_mtime
    assert abs(age - 5 * _DAY) < 60


def test_a_backup_is_made_where_it_harms_nothing(tmp_path: Path, backup: Path) -> None:
    files = Workspace(tmp_path / "workspace")
    with pytest.raises(BackupError, match="exists already"):
        make_backup(files, store(files), backup)
    with pytest.raises(BackupError, match="is inside the workspace"):
        make_backup(files, store(files), files.uploads / "backup")
    with pytest.raises(BackupError, match="nothing to back up"):
        make_backup(Workspace(tmp_path / "none"), SqliteStore(tmp_path / "none.db"), tmp_path / "b")
    (tmp_path / "empty").mkdir()
    make_backup(files, store(files), tmp_path / "empty")
    assert read_manifest(tmp_path / "empty").chats == 2
    assert not list(tmp_path.glob(".*"))


def test_the_leftovers_of_a_killed_backup_are_removed_by_the_next(tmp_path: Path, backup: Path) -> None:
    left = tmp_path / ".next.unfinished-x"
    left.mkdir()
    (left / "chat.db").write_bytes(b"half")
    files = Workspace(tmp_path / "workspace")
    make_backup(files, store(files), tmp_path / "next")
    assert not left.exists()


def test_damaged_chats_are_not_taken_for_a_backup(tmp_path: Path) -> None:
    files = written(tmp_path / "workspace", 5000)
    data = bytearray(files.chats.read_bytes())
    data[8192:30000] = b"\xff" * (30000 - 8192)
    files.chats.write_bytes(data)
    with pytest.raises(BackupError, match="doctor"):
        make_backup(files, store(files), tmp_path / "backup")
    assert [path.name for path in tmp_path.iterdir()] == ["workspace"]


def _program(folder: Path, version: str) -> None:
    folder.mkdir(parents=True)
    program = folder / "pg_dump"
    program.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}'\n")
    program.chmod(0o755)


def test_a_pg_dump_that_is_missing_or_too_old_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_store, "_PROGRAMS", tmp_path / "lib")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(BackupError, match=r"pg_dump is not installed; .* apt-get install postgresql-client-17"):
        chat_store.find_program("pg_dump", 17)
    _program(tmp_path / "bin", "14.2 (Debian 14.2-1)")
    with pytest.raises(BackupError, match="pg_dump has version 14 and the server has 17"):
        chat_store.find_program("pg_dump", 17)
    _program(tmp_path / "lib" / "17" / "bin", "17.1")
    _program(tmp_path / "lib" / "18" / "bin", "18rc1")
    assert chat_store.find_program("pg_dump", 17) == str(tmp_path / "lib" / "17" / "bin" / "pg_dump")
    assert chat_store.find_program("pg_dump", 13) == str(tmp_path / "bin" / "pg_dump")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL for the tests."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed; on Debian or Ubuntu: apt-get install postgresql")
    with running_postgres(programs) as server:
        yield server


def in_postgres(url: str, *statements: str) -> int:
    """Carries them out; how many threads there are then."""

    async def work() -> int:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
            return int(await connection.fetchval("SELECT count(*) FROM threads"))
        finally:
            await connection.close()

    return asyncio.run(work())


def test_a_postgresql_is_replaced_whole_and_only_while_no_one_uses_it(tmp_path: Path, postgres: Postgres) -> None:
    urls = [postgres.create(), postgres.create()]
    stores = [chat_store.chat_store(Settings(_env_file=None, database_url=url)) for url in urls]
    for url, rows in zip(urls, (2, 3), strict=True):
        made = "CREATE TABLE threads (id text PRIMARY KEY)", f"INSERT INTO threads SELECT generate_series(1, {rows})"
        assert in_postgres(url, *made, "CREATE TABLE turns (of_thread text REFERENCES threads)") == rows
    made_of, into = written(tmp_path / "workspace", 0), Workspace(tmp_path / "other")
    make_backup(made_of, stores[0], tmp_path / "backup")
    assert read_manifest(tmp_path / "backup").chats == 2
    with pytest.raises(BackupError, match="has 3 chats: use --force"):
        restore(tmp_path / "backup", into, stores[1], force=False)

    async def beside_another() -> None:
        other = await asyncpg.connect(urls[1])
        try:
            with pytest.raises(BackupError, match="1 other connections use the database"):
                await asyncio.to_thread(restore, tmp_path / "backup", into, stores[1], force=True)
        finally:
            await other.close()

    asyncio.run(beside_another())
    assert (stores[1].chats(), list(into.root.glob("before-restore-*"))) == (3, [])
    _, aside = restore(tmp_path / "backup", into, stores[1], force=True)
    assert stores[1].chats() == 2
    assert (into.uploads / "thread" / "a.png").read_bytes() == b"a picture"
    assert aside is not None
    stores[1].load(aside / "chats.dump")
    assert stores[1].chats() == 3, "what was put aside is whole, too"


def test_a_postgresql_that_can_not_be_asked_is_a_sentence_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql+asyncpg://anna:secret@127.0.0.1:{free_port()}/chats"
    unreachable = chat_store.chat_store(Settings(_env_file=None, database_url=url))
    with pytest.raises(BackupError, match="PostgreSQL can't be reached") as refused:
        make_backup(written(tmp_path / "workspace", 0), unreachable, tmp_path / "backup")
    assert "secret" not in str(refused.value)
    with pytest.raises(BackupError, match="own tools"):
        chat_store.chat_store(Settings(_env_file=None, database_url="mysql+aiomysql://anna:secret@host/chats"))


def test_a_relative_path_is_relative_to_the_callers_folder(tmp_path: Path) -> None:
    written(tmp_path / "workspace", 1)
    (tmp_path / "here").mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KIMI_")}
    environment |= {"KIMI_WORKSPACE": str(tmp_path / "workspace"), "KIMI_DATABASE_URL": ""}
    ended = subprocess.run(
        [ROOT / "start.sh", "backup", "monday"],
        cwd=tmp_path / "here", env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    made = tmp_path / "here" / "monday"
    assert ended.returncode == 0, ended.stderr
    assert (made / MANIFEST).is_file()
    assert f"into {made}." in ended.stdout
