"""Fixtures for the API: the plain OpenAI client, and the page on a scripted engine."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from openai import OpenAI

from engine.access.keys import Keys
from tests.api.asks import Raw
from tests.instruments.scripted_product import ScriptedProduct

PATIENCE = 120.0
PERSONS_KEY = "sk-the-persons-own-key"


@pytest.fixture(scope="package")
def scripted_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    """The page on a scripted engine, with the person's own OpenAI key around; tests take `scripted`."""
    settings = {"OPENAI_API_KEY": PERSONS_KEY, "KIMI_PICTURE_HOSTS": "localhost, 127.0.0.1"}
    with ScriptedProduct(tmp_path_factory.mktemp("api") / "workspace", **settings) as product:
        yield product


@pytest.fixture
def scripted(scripted_process: ScriptedProduct) -> ScriptedProduct:
    """The page on a scripted engine, reset."""
    scripted_process.reset()
    scripted_process.engine.headers.clear()
    scripted_process.engine.bodies.clear()
    return scripted_process


@pytest.fixture(scope="package")
def key(scripted_process: ScriptedProduct) -> str:
    """A valid key."""
    return Keys(scripted_process.files.keys).add("tests")


@pytest.fixture
def client(scripted: ScriptedProduct, key: str) -> Iterator[OpenAI]:
    """The plain client, without retries."""
    with OpenAI(base_url=f"{scripted.url}/v1", api_key=key, max_retries=0, timeout=PATIENCE) as client:
        yield client


@pytest.fixture
def raw(scripted: ScriptedProduct, key: str) -> Iterator[Raw]:
    """Sends any request to the page, with the key unless `headers` say otherwise."""
    with httpx.Client(base_url=scripted.url, timeout=PATIENCE) as client:

        def send(method: str, path: str, **options: object) -> httpx.Response:
            headers = {"Authorization": f"Bearer {key}"}
            headers |= options.pop("headers", {})  # type: ignore[arg-type,operator]
            return client.request(method, path, headers=headers, **options)  # type: ignore[arg-type]

        yield send
