"""A page on a scripted engine, and a client without a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.instruments.scripted_product import ScriptedProduct
from tests.instruments.visitor import Visitor


@pytest.fixture(scope="package")
def page_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    """The page's process; tests take `page`."""
    with ScriptedProduct(tmp_path_factory.mktemp("trust") / "workspace") as product:
        yield product


@pytest.fixture
def page(page_process: ScriptedProduct) -> ScriptedProduct:
    """The page on a scripted engine, reset."""
    page_process.reset()
    return page_process


@pytest.fixture
async def visitor(page: ScriptedProduct) -> AsyncIterator[Visitor]:
    """A client with its own socket."""
    async with Visitor(page) as visitor:
        yield visitor
