"""When the vision model can't be had: the reader under `auto`, and said so; a plain failure where it was asked for."""

from pathlib import Path

import pytest

from engine import supervisor
from engine.config import Settings
from engine.plan import LaunchPlan
from engine.service import PermanentError
from engine.supervisor import Supervisor
from tests.product import Product


@pytest.fixture
def out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that could run the model, without its weights and without a way to the hub."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    plan = LaunchPlan(
        engine="vllm",
        model="Kimi-VL-A3B-Thinking",
        served_name="Kimi-VL-A3B-Thinking",
        base_url="http://127.0.0.1:1/v1",
        pictures="file",
        argv=("vllm", "{weights}"),
        weights="Kimi-VL-A3B-Thinking",
        reasons=("One device is enough.",),
    )
    monkeypatch.setattr(supervisor, "make_plan", lambda _: plan)
    return tmp_path / "workspace"


async def test_under_auto_the_reader_stands_in_and_the_page_learns_why(out_of_reach: Path) -> None:
    settings = Settings(_env_file=None, engine="auto", workspace=out_of_reach)
    settings.files.create()
    told: list[str] = []
    launch = await Supervisor(settings, told.append)._launch_engine(lambda *_: None)
    assert "engine.reader" in launch.argv
    plan = LaunchPlan.read(settings.files.plan)
    assert (plan.engine, plan.note) == ("reader", "reader.fallback")
    assert "huggingface.co can't be reached" in plan.reasons[-1]
    assert any("can't be reached" in line for line in told)


async def test_asked_for_by_name_it_fails_with_the_way_out(out_of_reach: Path) -> None:
    settings = Settings(_env_file=None, engine="vllm", workspace=out_of_reach)
    settings.files.create()
    folder = out_of_reach / "models" / "Kimi-VL-A3B-Thinking"
    with pytest.raises(PermanentError, match=rf"put the files of moonshotai/Kimi-VL-A3B-Thinking .* into {folder}"):
        await Supervisor(settings, lambda _: None)._launch_engine(lambda *_: None)


def test_the_page_comes_up_and_says_so_when_the_engine_can_not_run_here(tmp_path: Path) -> None:
    product = Product(tmp_path / "workspace", KIMI_ENGINE="vllm", KIMI_MODEL="Kimi-K2.5")
    product.start()
    try:
        status = product.until(lambda s: s["engine"]["state"] == "failed" and s["page"]["state"] == "ready")
        assert "Kimi-K2.5" in status["engine"]["phase"]
        assert status["engine"]["restarts"] == 0
    finally:
        product.stop()
