"""The whole chain on the real llama-server with nano: a picture, Stop and Continue, and a question of the reader's."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from engine.config import ROOT
from engine.engines.llama.environment import ensure_llama
from engine.nano.questions import numbers
from engine.nano.shapes import draw_shape
from tests.browser.conftest import OpenPage
from tests.instruments.pictures import png
from tests.instruments.product import Product, running_product
from tests.instruments.slowed import slowed

pytestmark = pytest.mark.llama
OF_THE_READER = {
    "format": "kimi-vl-chat",
    "version": 2,
    "name": "Read before",
    "turns": [
        {
            "id": "a",
            "parent": "",
            "text": "Count from 1 to 7",
            "asked": 1_700_000_000,
            "answers": [
                {
                    "parts": [{"kind": "text", "text": "There is no picture."}],
                    "ending": "stop",
                    "figures": {"model": "reader"},
                }
            ],
        }
    ],
}
"""A chat in which the reader has answered."""
IMPORT = """async (chat) => {
  const headers = { "content-type": "application/json" };
  const reply = await fetch("/api/threads/import", { method: "POST", headers, body: JSON.stringify(chat) });
  return (await reply.json()).threadId;
}"""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    ensure_llama(ROOT, "wheel", print)
    workspace = tmp_path_factory.mktemp("llama") / "workspace"
    with running_product(workspace, KIMI_ENGINE="llama", KIMI_MODEL="nano") as product:
        yield product


def test_a_picture_in_thinking_and_answer_out(product: Product, open_page: OpenPage, tmp_path: Path) -> None:
    file = tmp_path / "shape.png"
    file.write_bytes(png(draw_shape("triangle", random.Random(3), (240, 200))))
    page = open_page(product.url)
    page.ask("What is in the picture?", [file])
    expect(page.answers.last).to_contain_text("A triangle.")
    page.finished()
    expect(page.steps.first).to_contain_text(re.compile(r"Thought for \d+ s"))
    expect(page.answers.last).not_to_contain_text("think▷")
    expect(page.button("Ask the vision model")).to_have_count(0)


def test_stop_keeps_the_answer_so_far_and_continue_ends_it(product: Product, open_page: OpenPage) -> None:
    page = open_page(product.url)
    with slowed(int(product.status()["engine"]["pid"])):
        page.ask("Count from 1 to 200")
        # Most of the thoughts and all of the answer are still to come.
        expect(page.steps.first).to_contain_text("1 2 3")
        page.stop_button.click()
        page.finished()
    expect(page.answers.last).not_to_contain_text("198 199 200")
    page.press("Continue")
    page.finished()
    expect(page.answers.last).to_contain_text("198 199 200")


def test_what_the_reader_answered_is_asked_of_the_vision_model(product: Product, open_page: OpenPage) -> None:
    page = open_page(product.url)
    thread = page.page.evaluate(IMPORT, OF_THE_READER)
    page.page.goto(f"{product.url}/thread/{thread}")
    expect(page.answers.last).to_contain_text("There is no picture.")
    # The status comes now and then.
    expect(page.button("Ask the vision model")).to_be_visible()
    page.press("Ask the vision model")
    page.finished()
    expect(page.answers.last).to_contain_text(numbers(7))
    expect(page.button("Ask the vision model")).to_have_count(0)
    page.button("Earlier answer (1/2)").click()
    expect(page.answers.last).to_contain_text("There is no picture.")
    expect(page.button("Ask the vision model")).to_be_visible()
    page.page.evaluate("document.documentElement.removeAttribute('data-vision')")
    expect(page.button("Ask the vision model")).to_be_hidden()
