"""docs/security.md and docs/reliability.md: each promise names a test, and each named test exists."""

import re

import pytest

from engine.config import ROOT

DOCUMENTS = ["docs/security.md", "docs/reliability.md"]
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_that_a_document_names_exists(document: str) -> None:
    named = _NAMED.findall((ROOT / document).read_text())
    assert len(named) > 15
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (ROOT / path).exists()
        or not re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE)
    ]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_promise_names_a_test(document: str) -> None:
    text = (ROOT / document).read_text()
    rows = 0
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        head, _, *body = table.splitlines()
        if "test" in head:
            rows += len(body)
            assert [row for row in body if not _NAMED.search(row)] == []
    assert rows > 15
