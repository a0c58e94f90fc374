"""The whole chain on the real vLLM with nano, a test instrument that names shapes and counts."""

from __future__ import annotations

import os
import random
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import expect

from engine.nano.shapes import draw_shape
from tests.browser.conftest import OpenPage
from tests.instruments.collector import Collector, Span, tree
from tests.instruments.pictures import png
from tests.instruments.product import Product, running_product

pytestmark = pytest.mark.vllm


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Product]:
    workspace = tmp_path_factory.mktemp("vllm") / "workspace"
    traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "500"}
    with running_product(workspace, KIMI_ENGINE="vllm", KIMI_MODEL="nano", **traced) as product:
        yield product


PRESS_ANSWER_NOW = """() => new MutationObserver((_, observer) => {
  const button = [...document.querySelectorAll("button")].find((one) => one.textContent.includes("Answer now"));
  if (!button) return;
  observer.disconnect();
  button.click();
}).observe(document.body, { childList: true, subtree: true })"""


def numbers(text: str) -> str:
    return " ".join(re.findall(r"\d+", text))


def test_a_picture_in_thinking_and_answer_out(product: Product, open_page: OpenPage, tmp_path: Path) -> None:
    file = tmp_path / "shape.png"
    file.write_bytes(png(draw_shape("triangle", random.Random(3))))
    page = open_page(product.url)
    page.ask("What is in the picture?", [file])
    expect(page.answers.last).to_contain_text("triangle")
    page.finished()
    expect(page.steps.first).to_contain_text(re.compile(r"Thought for \d+ s"))
    expect(page.answers.last).not_to_contain_text("think▷")


def test_page_and_engine_are_in_one_trace(product: Product, collector: Collector, open_page: OpenPage) -> None:
    page = open_page(product.url)
    page.ask("Count from 1 to 20")
    page.finished()
    asked = page.page.url.rsplit("/", 1)[-1]

    def is_whole(spans: list[Span]) -> bool:
        trace = next((s.trace for s in spans if s.attributes.get("gen_ai.conversation.id") == asked), None)
        return trace is not None and {s.service for s in spans if s.trace == trace} == {"kimi-vl-chat", "vllm"}

    spans = collector.wait(is_whole)
    trace = next(s.trace for s in spans if s.attributes.get("gen_ai.conversation.id") == asked)
    ours = [span for span in spans if span.trace == trace]
    print(tree(ours))
    chat = next(span for span in ours if span.name == "chat nano")
    engine = next(span for span in ours if span.service == "vllm")
    assert engine.parent == chat.id
    assert engine.attributes["gen_ai.usage.completion_tokens"] == chat.attributes["gen_ai.usage.output_tokens"]
    assert chat.attributes["gen_ai.usage.reasoning.output_tokens"] > 0
    assert "Count from" not in repr(ours)


def test_answer_now_begins_the_answer_in_the_middle_of_the_thinking(product: Product, open_page: OpenPage) -> None:
    page = open_page(product.url)
    # Nano thinks for two or three seconds, and a busy machine takes longer to bring a click from here to there: it is
    # made where the button appears.
    page.page.evaluate(PRESS_ANSWER_NOW)
    page.ask("Count from 1 to 299")
    thinking = page.steps.first
    page.finished()
    expect(page.page.get_by_role("button", name="Answer now")).to_have_count(0)
    thinking.get_by_role("button").first.click()
    assert "298" not in thinking.inner_text()
    assert numbers(page.answers.last.inner_text()).startswith("1 2 3 4 5")


@pytest.mark.parametrize("victim", ["core", "server"])
def test_an_answer_continues_unchanged_when_its_engine_is_killed(
    product: Product, open_page: OpenPage, victim: str
) -> None:
    question = "Count from 1 to 249"
    undisturbed = open_page(product.url)
    undisturbed.ask(question)
    undisturbed.finished()
    page = open_page(product.url)
    page.ask(question)
    # It has begun to think, and several seconds of text are still to come.
    expect(page.steps.first).to_contain_text("1 2 3")
    before = product.status()["engine"]
    os.kill(engine_core(before["pid"]).pid if victim == "core" else before["pid"], signal.SIGKILL)
    product.until(lambda s: s["engine"]["restarts"] > before["restarts"], "a restart")
    product.until_ready()
    page.finished()
    expect(page.notes.first).to_contain_text("the answer continues")
    assert numbers(page.answers.last.inner_text()) == numbers(undisturbed.answers.last.inner_text())


def engine_core(pid: int) -> psutil.Process:
    """The process of vLLM that holds the model; the server itself if it runs in one process."""
    children = psutil.Process(pid).children(recursive=True)
    return next((child for child in children if "EngineCore" in " ".join(child.cmdline())), psutil.Process(pid))
