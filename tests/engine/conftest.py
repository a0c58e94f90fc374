"""One vLLM for all tests that need it: its start costs more than all their questions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.config import ROOT
from engine.engines.vllm.environment import ensure_vllm
from tests.instruments.vllm_server import VllmServer


@pytest.fixture(scope="session")
def vllm_python() -> Path:
    """The interpreter of vLLM's environment, which is made if it is missing."""
    return ensure_vllm(ROOT, "cpu", None, print)


@pytest.fixture(scope="session")
def vllm(vllm_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmServer]:
    """The real vLLM serving nano."""
    server = VllmServer(vllm_python, tmp_path_factory.mktemp("vllm"))
    server.start()
    yield server
    server.stop()
