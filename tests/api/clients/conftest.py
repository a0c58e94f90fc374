"""The environments of the clients: made when a test first needs them, from locked packages with hashes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.config import ROOT
from tests.instruments.locked_environment import node_environment, python_environment
from tests.instruments.scripted_product import ScriptedProduct

HERE = Path(__file__).parent
FOLDER = ROOT / ".venv-clients"


@pytest.fixture(scope="package")
def scripted_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    """A page of their own: wrong keys, which the clients try again, count for everything on this machine."""
    with ScriptedProduct(tmp_path_factory.mktemp("clients") / "workspace") as product:
        yield product


@pytest.fixture(scope="package")
def python() -> Path:
    """The interpreter that has the clients for Python."""
    return python_environment(FOLDER, HERE / "requirements.txt")


@pytest.fixture(scope="package")
def node() -> Path:
    """The folder that has the clients for Node, and their script."""
    folder = node_environment(FOLDER / "node", HERE)
    shutil.copyfile(HERE / "clients.mjs", folder / "clients.mjs")
    return folder


def plain_environment(home: Path, key: str) -> dict[str, str]:
    """Nothing of ours but the key, and no proxy between a client and the page."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "OPENAI_API_KEY": key,
        "NO_PROXY": "127.0.0.1",
        # LiteLLM would fetch prices from GitHub.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
