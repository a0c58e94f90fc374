"""The whole product when its database can't be opened at the start: it waits, or reports the failure once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.instruments.product import Product

ELSEWHERE = {"KIMI_ENGINE": "openai", "OPENAI_API_BASE": "http://127.0.0.1:9/v1"}


def test_a_page_waits_for_its_database_and_says_so(tmp_path: Path) -> None:
    product = Product(tmp_path / "workspace", **ELSEWHERE)
    product.workspace.mkdir()
    chats = product.workspace / "chat.db"
    chats.write_text("This is no database, and long enough to be seen as none." * 20)
    product.start()
    try:
        status = product.until(lambda s: bool(s["page"].get("reason")), "a page that waits")
        assert status["page"]["state"] == "starting"
        assert "file is not a database" in status["page"]["reason"]["values"]["text"]
        assert "check KIMI_DATABASE_URL" in product.output.read_text()
        assert "is not a database" in product.run("status").stdout.replace("\n", " ")
        chats.unlink()
        status = product.until(lambda s: s["page"]["state"] == "ready", "the page")
        # It is the same process that has waited.
        assert (status["page"]["restarts"], status["page"]["reason"]) == (0, None)
    finally:
        product.stop()


@pytest.mark.parametrize("newer", [True, False])
def test_a_permanent_failure_is_one_sentence_and_no_crash_loop(tmp_path: Path, *, newer: bool) -> None:
    settings = {} if newer else {"KIMI_DATABASE_URL": "mysql://user:a-secret@127.0.0.1/chats"}
    product = Product(tmp_path / "workspace", **ELSEWHERE, **settings)
    product.workspace.mkdir()
    if newer:
        with closing(sqlite3.connect(product.workspace / "chat.db")) as chats, chats:
            chats.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
            chats.execute("INSERT INTO alembic_version VALUES ('9999')")
    product.start()
    try:
        page = product.until(lambda s: s["page"]["state"] == "failed", "a page that gives up")["page"]
        expected = "was written by a newer version of Kimi-VL Chat" if newer else "The driver of mysql cannot be used"
        assert expected in page["reason"]["values"]["text"]
        # The first try is the last.
        assert page["restarts"] == 0
        assert "a-secret" not in product.output.read_text() + product.log()
    finally:
        product.stop()
