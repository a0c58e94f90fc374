"""The state of engine and page, as the browser gets it: sentences in the person's language, no keys."""

from __future__ import annotations

from app.status.overview import shown
from engine.status import EngineStatus, PageStatus, Phase, Reason
from engine.supervise.timeline import Change


def test_why_vllm_could_not_be_started_is_shown_in_the_persons_language() -> None:
    status = EngineStatus(kind="vllm", state="failed", reason=Reason("no_gpu"))
    assert shown(status, "en")["phase"].startswith("No GPU is visible to vLLM")
    assert shown(status, "zh")["phase"].startswith("vLLM 看不到任何 GPU")
    assert "reason" not in shown(status, "zh")


def test_a_phase_and_a_past_change_are_reported_too() -> None:
    assert shown(EngineStatus(state="starting", phase=Phase.DOWNLOADING), "zh")["phase"] == "正在下载模型"
    change = Change("2026-11-21T10:00:00+00:00", "engine", "failed", reason=Reason("disk_full"))
    assert shown(change, "zh")["phase"].startswith("磁盘已满")


def test_a_page_says_what_it_waits_for() -> None:
    assert shown(PageStatus(state="starting", reason=Reason.of_text("The database is away.")), "zh")["phase"] == (
        "The database is away."
    )
    assert not shown(PageStatus(state="ready"), "en")["phase"]
