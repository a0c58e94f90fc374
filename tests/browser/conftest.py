"""The browser and the pages under test.

Two options reveal races that appear on other machines and networks:

- `--socket-delay MS` delays each direction of the page's socket by so many milliseconds,
- `--cpu-slowdown N` slows each window's CPU down by that factor.

`pytest tests/browser/chat/test_history.py --socket-delay 1500 --cpu-slowdown 4` runs one file under both. The tests of
`test_races.py` set delays of their own and are part of every run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.instruments.chat_page import ChatPage
from tests.instruments.chromium import Chromium
from tests.instruments.product import Product, running_product
from tests.instruments.scripted_product import ScriptedProduct

# The two cores of a test machine may be busy: this is a limit, not a measurement.
expect.set_options(timeout=60_000)

OpenPage = Callable[..., ChatPage]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--socket-delay` and `--cpu-slowdown`, described above."""
    parser.addoption("--socket-delay", type=float, default=0.0, metavar="MS", help="delay of the page's socket")
    parser.addoption("--cpu-slowdown", type=float, default=1.0, metavar="N", help="how much slower each window runs")


def pytest_configure(config: pytest.Config) -> None:
    """Applies the options, which exist only if this folder is on the command line."""
    ScriptedProduct.socket_delay = config.getoption("--socket-delay", 0.0) / 1000
    ChatPage.cpu_slowdown = config.getoption("--cpu-slowdown", 1.0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a browser."""
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def chromium_process() -> Iterator[Chromium]:
    """One for all tests of this folder, and gone after them: beside it no other event loop can run in this thread."""
    with sync_playwright() as playwright:
        chromium = Chromium(playwright)
        yield chromium
        chromium.close()


@pytest.fixture(autouse=True)
def no_hanging_browser(chromium_process: Chromium) -> Iterator[None]:
    """Ends a test that hangs in the browser, so that the others run."""
    with chromium_process.killed_after():
        yield


@pytest.fixture
def browser(chromium_process: Chromium) -> Browser:
    """The browser that all tests share."""
    return chromium_process.browser()


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The whole product as `./start.sh` starts it, with the reader."""
    with running_product(tmp_path_factory.mktemp("product") / "work space") as product:
        yield product


@pytest.fixture(scope="package")
def scripted_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    """The page on a scripted engine; tests take `scripted`."""
    with ScriptedProduct(tmp_path_factory.mktemp("scripted") / "workspace") as product:
        yield product


@pytest.fixture
def scripted(scripted_process: ScriptedProduct) -> ScriptedProduct:
    """The page on a scripted engine, reset."""
    scripted_process.reset()
    return scripted_process


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens the page at an address. At the end no window may have seen an error or asked another host."""
    pages: list[ChatPage] = []

    def open_at(url: str, **context: Any) -> ChatPage:
        page = ChatPage(browser, url, **context)
        pages.append(page)
        return page.open()

    yield open_at
    for page in pages:
        page.close()
    for page in pages:
        assert page.foreign == []
        assert page.errors == []


@pytest.fixture
def picture(tmp_path: Path) -> Callable[[str, bytes], Path]:
    """Writes a file that the page can be given."""

    def write(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write
