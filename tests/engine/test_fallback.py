"""If the vision model can't run: under `auto` the reader replaces it and the page says so; else the start fails."""

import asyncio
import sys
from pathlib import Path

import pytest

from engine.config import ROOT, Settings
from engine.engines.llama.log import LlamaLog
from engine.plans.launch import LaunchPlan
from engine.status import Reason
from engine.supervise import service, supervisor, workspace_lock
from engine.supervise.service import PermanentError
from engine.supervise.supervisor import Supervisor
from tests.instruments.ports import free_port
from tests.instruments.product import Product

OFFLINE = ROOT / "tests" / "recorded" / "llama-server-b10434-offline.log"
REPOSITORY = "ggml-org/Kimi-VL-A3B-Thinking-2506-GGUF"


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


async def test_under_auto_the_reader_replaces_the_model_and_the_page_says_why(out_of_reach: Path) -> None:
    settings = Settings(_env_file=None, engine="auto", workspace=out_of_reach)
    settings.files.create()
    reported: list[str] = []
    launch = await Supervisor(settings, reported.append)._launch_engine(lambda *_: None)
    assert "engine.reader" in launch.argv
    plan = LaunchPlan.read(settings.files.plan)
    assert (plan.engine, plan.note) == ("reader", "reader.fallback")
    assert "huggingface.co can't be reached" in plan.why()[-1]
    assert "无法访问 huggingface.co" in plan.why("zh")[-1]
    assert any("can't be reached" in line for line in reported)


async def test_asked_for_by_name_it_fails_with_the_way_out(out_of_reach: Path) -> None:
    settings = Settings(_env_file=None, engine="vllm", workspace=out_of_reach)
    settings.files.create()
    folder = out_of_reach / "models" / "Kimi-VL-A3B-Thinking"
    with pytest.raises(PermanentError, match=rf"put the files of moonshotai/Kimi-VL-A3B-Thinking .* into {folder}"):
        await Supervisor(settings, lambda _: None)._launch_engine(lambda *_: None)


def llama_plan(*says: str, status: int = 1) -> LaunchPlan:
    """llama-server without its GGUF and without the hub: a program that logs the same lines, and exits."""
    return LaunchPlan(
        engine="llama",
        model="Kimi-VL-A3B-Thinking-2506",
        served_name="Kimi-VL-A3B-Thinking-2506",
        base_url="http://127.0.0.1:1/v1",
        pictures="data",
        argv=(sys.executable, "-c", f"print({chr(10).join(says)!r}); raise SystemExit({status})"),
        note="llama.auto",
        reasons=("Q4_K_M needs 14.2 GB.",),
    )


async def run_until(supervisor: Supervisor, settings: Settings, state: str) -> LaunchPlan:
    """Runs the engine's service until it is in this state; returns the plan then in force."""
    with workspace_lock.holding(settings.files.lock):
        supervisor._take_over()
        engine = supervisor._engine()
        running = asyncio.create_task(engine.run())
        try:
            async with asyncio.timeout(120):
                while supervisor._status.engine.state != state:
                    await asyncio.sleep(0.05)
            return LaunchPlan.read(settings.files.plan)
        finally:
            engine.stop()
            await running


async def test_the_reader_replaces_llama_server_that_can_not_fetch_its_gguf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "make_plan", lambda _: llama_plan(OFFLINE.read_text()))
    settings = Settings(_env_file=None, engine="auto", workspace=tmp_path / "w", engine_port=free_port())
    settings.files.create()
    plan = await run_until(Supervisor(settings, lambda _: None), settings, "ready")
    assert (plan.engine, plan.note) == ("reader", "reader.fallback")
    assert plan.reasons[0] == "Q4_K_M needs 14.2 GB."
    assert plan.failure == Reason("gguf_unreachable", {"repository": REPOSITORY})
    assert plan.why()[-1].startswith(f"llama-server has no {REPOSITORY} on this machine")


async def test_llama_server_that_was_asked_for_fails_at_once_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "make_plan", lambda _: llama_plan(OFFLINE.read_text()))
    settings = Settings(_env_file=None, engine="llama", workspace=tmp_path / "w", engine_port=free_port())
    settings.files.create()
    asked = Supervisor(settings, lambda _: None)
    plan = await run_until(asked, settings, "failed")
    assert plan.engine == "llama"


async def test_the_reader_replaces_an_engine_that_cannot_start_for_any_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CRASHES_BEFORE_FAILED", 2)
    monkeypatch.setattr(supervisor, "make_plan", lambda _: llama_plan("an unforeseen failure", status=3))
    settings = Settings(_env_file=None, engine="auto", workspace=tmp_path / "w", engine_port=free_port())
    settings.files.create()
    plan = await run_until(Supervisor(settings, lambda _: None), settings, "ready")
    assert plan.engine == "reader"
    assert "an unforeseen failure" in plan.why()[-1]


def test_an_engine_that_has_answered_is_not_replaced(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, engine="auto", workspace=tmp_path / "w")
    settings.files.create()
    ours = Supervisor(settings, lambda _: None)
    ours.show(llama_plan())
    ours.engine_changed(state="ready")
    assert not ours._give_up(Reason("answers_nothing"))


def test_a_cached_gguf_without_a_network_is_no_failure() -> None:
    log = LlamaLog()
    lines = OFFLINE.read_text().splitlines()
    for line in lines[:-1]:
        log.feed(line)
    assert (log.failure, log.phase) == (None, "loading")
    log.feed(lines[-1])
    assert log.failure
    assert log.failure.permanent


def test_the_page_comes_up_and_says_so_when_the_engine_can_not_run_here(tmp_path: Path) -> None:
    product = Product(tmp_path / "workspace", KIMI_ENGINE="vllm", KIMI_MODEL="Kimi-K2.5")
    product.start()
    try:
        status = product.until(lambda s: s["engine"]["state"] == "failed" and s["page"]["state"] == "ready")
        assert "Kimi-K2.5" in status["engine"]["reason"]["values"]["text"]
        assert status["engine"]["restarts"] == 0
    finally:
        product.stop()
