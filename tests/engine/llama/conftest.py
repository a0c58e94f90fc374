"""The real llama-server, from the wheel: `.venv-llama` is made where it is missing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.config import ROOT
from engine.engines.llama.environment import ensure_llama
from tests.instruments.llama_server import LlamaServer


@pytest.fixture(scope="session")
def llama_program() -> Path:
    """llama-server."""
    return ensure_llama(ROOT, "wheel", print)


@pytest.fixture(scope="session")
def llama(llama_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    """The real llama-server serving nano; it is there in a fraction of a second."""
    server = LlamaServer(llama_program, tmp_path_factory.mktemp("llama"))
    server.start()
    yield server
    server.stop()
