"""Bad files on the running page: an error in the chat or an answer, and the page keeps working."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.instruments import bad_files
from tests.instruments.scripted_product import ScriptedProduct
from tests.instruments.visitor import Visitor, errors, shown

SAMPLE = [
    "PNG cut at 0.5", "JPEG cut at 0.9", "WEBP cut at 0.2", "PDF cut at 0.7", "HEIF cut at 0.5", "html", "svg",
    "zip bomb", "postscript", "html before PNG", "PNG that claims 30000 x 30000", "PNG with a bomb in zTXt",
    "PDF with a million pages", "PDF that claims a million pages", "GIF with 3,000 frames",
]  # fmt: skip
CASES = dict(bad_files.quick())


def outside(page: ScriptedProduct) -> set[Path]:
    """The files outside the folders that a page may write to."""
    root = page.files.root
    meant = {page.files.uploads, page.files.run}
    found = [path for path in root.parent.rglob("*") if not meant & {path, *path.parents}]
    return {path for path in found if not path.name.startswith("chat.db")}


@pytest.mark.parametrize("name", SAMPLE)
async def test_a_bad_file_is_reported_in_the_chat_and_the_next_question_is_answered(
    visitor: Visitor, page: ScriptedProduct, name: str
) -> None:
    before = outside(page)
    status, reply = await visitor.upload("../../\u202ebad\\file.png", "image/png", CASES[name]())
    assert status == 200, reply
    events = await visitor.ask("What is it?", [json.loads(reply)["id"]])
    reported = errors(events)
    assert reported or "An answer." in shown(events)
    for sentence in reported:
        assert "Traceback" not in sentence
        assert "file.png" in sentence
        assert "/" not in sentence
    assert "An answer." in shown(await visitor.ask("And now?"))
    assert outside(page) == before


@pytest.mark.parametrize(
    "kind", ["image/svg+xml", "text/html", "application/zip", "x", "image/png\r\nX-Evil: 1", "", "*/*"]
)
async def test_the_claimed_type_of_a_file_is_never_served(visitor: Visitor, kind: str) -> None:
    status, reply = await visitor.upload("a.png", kind, bad_files.whole("PNG"))
    if status == 200:
        path = f"/project/file/{json.loads(reply)['id']}?session_id={visitor.session_id}"
        _, headers, _ = visitor.caller.request("GET", path)
        assert headers["X-Evil"] is None
        assert headers["Content-Type"].startswith(("image/png", "text/plain"))
    else:
        assert status in {400, 422}, reply
    assert visitor.caller.request("GET", "/healthz")[0] == 200


@pytest.mark.parametrize(
    "name", [name for name in bad_files.NAMES if ('"' not in name and name.isascii()) or len(name) < 20]
)
async def test_a_files_name_leads_nowhere(visitor: Visitor, page: ScriptedProduct, name: str) -> None:
    before = outside(page)
    name = name.encode("utf-8", "replace").decode()
    status, reply = await visitor.upload(name, "image/png", bad_files.whole("PNG"))
    assert status < 500, reply
    if status == 200:
        events = await visitor.ask("What is it?", [json.loads(reply)["id"]])
        assert "An answer." in shown(events)
    assert outside(page) == before
