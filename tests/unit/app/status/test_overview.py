"""The state of engine and page, as the browser gets it: sentences in the person's language, no keys."""

from __future__ import annotations

import json
from pathlib import Path

from app.status.overview import coming_shown, shown
from engine.plans.launch import LaunchPlan
from engine.status import ComingStatus, EngineStatus, PageStatus, Phase, Reason
from engine.supervise.timeline import Change
from tests.instruments.combinations import plan_of


def test_why_vllm_could_not_be_started_is_shown_in_the_persons_language() -> None:
    status = EngineStatus(kind="vllm", state="failed", reason=Reason("no_gpu"))
    assert shown(status, "en")["phase"].startswith("No GPU is visible to vLLM")
    assert shown(status, "zh")["phase"].startswith("vLLM 看不到任何 GPU")
    assert "reason" not in shown(status, "zh")


def test_a_phase_and_a_past_change_are_reported_too() -> None:
    assert shown(EngineStatus(state="starting", phase=Phase.DOWNLOADING), "zh")["phase"] == "正在下载模型"
    change = Change("2026-11-21T10:00:00+00:00", "engine", "failed", reason=Reason("disk_full"))
    assert shown(change, "zh")["phase"].startswith("磁盘已满")


def test_why_a_download_failed_is_shown_only_to_those_who_decide_about_it() -> None:
    coming = ComingStatus("failed", "Kimi-VL", reason=Reason.of_text("/home/anna/models is full."))
    shown_to_admin, shown_to_others = (coming_shown(coming, "en", may=may) for may in (True, False))
    assert (shown_to_admin["may"], shown_to_admin["reason"]) == (True, "/home/anna/models is full.")
    assert shown_to_others == shown_to_admin | {"may": False, "reason": ""}


def test_why_this_engine_was_chosen_is_kept_in_both_languages(tmp_path: Path) -> None:
    plan_of(["--accelerator", "L40S"]).write(tmp_path / "plan.json")
    plan = LaunchPlan.read(tmp_path / "plan.json")
    assert plan.why("en")[0] == "One device is enough: 40 GB needed, 48 GB there."
    assert plan.why("zh")[0] == "一张卡就够：需要 40 GB，有 48 GB。"
    # Another version wrote no Chinese.
    raw = json.loads((tmp_path / "plan.json").read_text())
    del raw["reasons_zh"]
    (tmp_path / "plan.json").write_text(json.dumps(raw))
    assert LaunchPlan.read(tmp_path / "plan.json").why("zh") == plan.why("en")


def test_a_page_says_what_it_waits_for() -> None:
    assert shown(PageStatus(state="starting", reason=Reason.of_text("The database is away.")), "zh")["phase"] == (
        "The database is away."
    )
    assert not shown(PageStatus(state="ready"), "en")["phase"]
