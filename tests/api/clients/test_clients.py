"""Real clients against the API: a picture goes in, an answer streams out, tools are called, errors have their shape."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.config import ROOT
from tests.api.asks import png
from tests.api.clients.conftest import HERE, plain_environment
from tests.instruments.scripted_product import ScriptedProduct

SIZE = (60, 45)


@dataclass
class Desk:
    """Where a client runs: against the page, with a key, a picture and a home of its own."""

    scripted: ScriptedProduct
    key: str
    home: Path

    @property
    def url(self) -> str:
        return f"{self.scripted.url}/v1"

    @property
    def sign(self) -> str:
        return str(self.home / "sign.png")

    def run(self, *command: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs a client with nothing of ours in its environment but the key."""
        environment = plain_environment(self.home, self.key) | environment
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=60, env=environment, cwd=cwd
        )

    def printed(self, *command: str, cwd: Path | None = None, **environment: str) -> str:
        """What a client prints."""
        done = self.run(*command, cwd=cwd, **environment)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def said(self, *command: str, cwd: Path | None = None) -> dict[str, Any]:
        """What a client's script reports."""
        report: dict[str, Any] = json.loads(self.printed(*command, self.url, self.sign, cwd=cwd).splitlines()[-1])
        return report

    def pictures(self) -> list[tuple[int, int]]:
        """The sizes of the pictures that reached the engine."""
        messages = [message for request in self.scripted.engine.requests for message in request.get("messages", [])]
        contents = [message["content"] for message in messages if isinstance(message.get("content"), list)]
        urls = [part["image_url"]["url"] for content in contents for part in content if part["type"] == "image_url"]
        return [Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).size for url in urls]


@pytest.fixture
def desk(scripted: ScriptedProduct, key: str, tmp_path: Path) -> Desk:
    """Against an engine that calls a tool wherever one is offered."""
    scripted.engine.script.tool_call = ("weather", '{"city":', ' "Rome"}')
    (tmp_path / "sign.png").write_bytes(png(*SIZE))
    return Desk(scripted, key, tmp_path)


def check(said: dict[str, Any], *, not_found: str, not_allowed: str) -> None:
    assert said["answer"] == "An answer."
    assert said["stream"] == ["An ", "answer."]
    assert said["tool"] == ["weather", {"city": "Rome"}]
    kind, status, message = said["no_model"]
    assert (kind, status) == (not_found, 404)
    assert "The model 'no-such-model' does not exist here; the models are: scripted." in message
    kind, status, message = said["no_key"]
    assert (kind, status) == (not_allowed, 401)
    assert "./start.sh key add" in message


@pytest.mark.parametrize("name", ["openai", "langchain", "litellm"])
def test_a_client_for_python_works(name: str, python: Path, desk: Desk) -> None:
    said = desk.said(str(python), str(HERE / f"{name}_client.py"))
    check(said, not_found="NotFoundError", not_allowed="AuthenticationError")
    assert said.get("response", "An answer.") == "An answer."
    assert desk.pictures() == [SIZE] * 2


def test_the_clients_for_node_work(node: Path, desk: Desk) -> None:
    said = desk.said("node", "clients.mjs", cwd=node)
    check(said["openai"], not_found="NotFoundError", not_allowed="AuthenticationError")
    check(said["ai"], not_found="AI_APICallError", not_allowed="AI_APICallError")
    assert desk.pictures() == [SIZE] * 4


def test_the_llm_command_works(python: Path, desk: Desk) -> None:
    (desk.home / "extra-openai-models.yaml").write_text(
        f"- model_id: kimi\n  model_name: scripted\n  api_base: {desk.url}\n  api_key_name: kimi\n"
        "  vision: true\n  supports_tools: true\n"
    )
    (desk.home / "keys.json").write_text(json.dumps({"kimi": desk.key}))
    llm = (str(python.with_name("llm")), "-m", "kimi")
    own = {"LLM_USER_PATH": str(desk.home)}
    assert desk.printed(*llm, "What does the sign say?", "-a", desk.sign, **own) == "An answer.\n"
    assert desk.pictures() == [SIZE]
    tool = 'def weather(city: str) -> str:\n    """The weather."""\n    return "Rain in " + city'
    assert desk.printed(*llm, "Rain?", "--functions", tool, **own) == "An answer.\n"
    assert desk.scripted.engine.requests[-1]["messages"][-1]["content"] == "Rain in Rome"
    wrong = desk.run(*llm, "Hello", "--key", "a-wrong-key", **own)
    assert wrong.returncode == 1
    assert "./start.sh key add" in wrong.stderr


def test_the_documented_versions_are_the_locked_ones() -> None:
    documented = (ROOT / "docs" / "clients.md").read_text()
    locked = dict(re.findall(r"^([\w-]+)==(\S+)", (HERE / "requirements.txt").read_text(), re.MULTILINE))
    packages = json.loads((HERE / "package.json").read_text())["dependencies"]
    wanted = [locked[name] for name in ("openai", "langchain-openai", "litellm", "llm")]
    for version in (*wanted, *packages.values()):
        assert re.search(rf"\| [^|]*{re.escape(version)}[^|]* \|", documented), version
