"""Output on terminals that are not UTF-8."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.config import ROOT, Settings
from engine.identity import Identity
from engine.plans.launch import LaunchPlan
from engine.status import Reason, Status
from engine.supervise import control, timeline, workspace_lock

PLAN = LaunchPlan("vllm", "模型", "a-model", "http://x/v1", "file", reasons=("Weil „so“ – darum…",))


@contextmanager
def in_use(settings: Settings) -> Iterator[None]:
    """A workspace with a running product, whose texts have many kinds of letters."""
    files = settings.files
    files.create()
    doing = Reason.of_text("正在加载 …")
    Status().with_engine(state="starting", reason=doing, kind="vllm", model="模型").write(files.status)
    PLAN.write(files.plan)
    timeline.note(files.timeline, "engine", "failed", reason=Reason.of_text("没有空间"))
    for log in (files.app_log, files.llm_log):
        log.write_text("INFO 招牌 ● …\n", encoding="utf-8")
    with workspace_lock.holding(files.lock):
        control.note_this_process(files, Identity.of(files))
        yield


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "ascii:strict"])
def test_every_word_ends_without_a_traceback_on_a_terminal_that_is_not_utf8(tmp_path: Path, encoding: str) -> None:
    settings = Settings(_env_file=None, workspace=tmp_path / "工作区")
    env = os.environ | {
        "LC_ALL": "C", "PYTHONUTF8": "1", "PYTHONIOENCODING": encoding,
        "KIMI_WORKSPACE": str(settings.workspace), "KIMI_ENGINE": "reader",
    }  # fmt: skip
    words = ["status", "status --json", "logs", "plan", "user list", "key list", "doctor --json", "restore no-backup",
             "backup /", "user remove 李雷"]  # fmt: skip
    program = (
        "import sys\nfrom engine.commands import cli\n"
        "for word in sys.argv[1:]:\n    print('>', word.isascii(), cli.main(word.split()), flush=True)\n"
    )
    with in_use(settings):
        ended = subprocess.run(
            [sys.executable, "-c", program, *words], cwd=ROOT, env=env, capture_output=True, check=False, timeout=300
        )
    reported, faults = (
        ended.stdout.decode(encoding.split(":", maxsplit=1)[0]),
        ended.stderr.decode(encoding.split(":", maxsplit=1)[0]),
    )
    assert "Traceback" not in faults
    assert reported.count("\n> ") + reported.startswith("> ") == len(words)
    assert "* starting" in reported
    assert "?????" not in next(line for line in reported.splitlines() if line.startswith("{"))
    assert json.loads(next(line for line in reported.splitlines() if line.startswith("{")))["engine"]["model"] == "模型"


def test_a_page_of_another_version_does_not_end_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from engine.commands import cli

    settings = Settings(_env_file=None, workspace=tmp_path)
    with in_use(settings):
        settings.files.status.write_text('{"engine": {"state": "dreaming", "mood": 1}, "page": 5, "else": []}')
        settings.files.plan.write_text('{"something": "else"}')
        assert cli.status(settings, cli.parser().parse_args(["status"])) == 0
        assert "dreaming" in capsys.readouterr().out
        settings.files.status.write_text("half a fi")
        assert cli.status(settings, cli.parser().parse_args(["status"])) == 0
