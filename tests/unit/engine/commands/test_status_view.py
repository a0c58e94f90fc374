"""`./start.sh status` for people: everything that the page reports, and what is shown without the page."""

from __future__ import annotations

import io
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from engine.commands import status_view
from engine.config import Settings, secret
from engine.plans.launch import LaunchPlan
from engine.status import Phase, Reason, Status
from engine.supervise import timeline

PLAN = LaunchPlan("vllm", "a-model", "a-model", "http://x/v1", "file", accelerator="1 x a card", reasons=("For this.",))
OVERVIEW = """{"now": 7200, "chats": {"open": 4, "answering": 2, "waiting": 1, "queued": 2},
 "turns": [[3700, 0.5, 20.0], [7100, 1.0, 40.0], [7150, null, null]],
 "load": {"cpu": 37.0, "cores": 2, "used": 1073741824, "memory": 4294967296, "disk_free": 9e9,
          "devices": [{"name": "a card", "used": 2147483648, "memory": 8589934592, "busy": 62.0}]}}"""


def shown(settings: Settings, status: Status, plan: LaunchPlan | None) -> str:
    out = io.StringIO()
    status_view.show(settings, status, plan, Console(file=out, width=100))
    return out.getvalue()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(_env_file=None, workspace=tmp_path)
    settings.files.create()
    return settings


def shown_with_page(settings: Settings, overview: str) -> tuple[str, list[str | None]]:
    """What is shown beside a page that answers so, and with which keys it was asked."""
    asked: list[str | None] = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["authorization"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(overview.encode())

        def log_message(self, *args: object) -> None:
            """Stays quiet."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        settings = settings.model_copy(update={"port": server.server_port})
        status = Status().with_engine(state="starting", phase=Phase.LOADING, percent=40.0, kind="vllm", model="a-model")
        return shown(settings, status.with_page(state="ready", url="http://the-page/", pid=12), PLAN), asked


def test_all_that_there_is_to_tell(settings: Settings) -> None:
    key = secret(settings.files.watch_key)
    timeline.note(settings.files.timeline, "engine", "failed", reason=Reason("disk_full"))
    text, asked = shown_with_page(settings, OVERVIEW)
    assert asked == [f"Bearer {key}"]
    for part in (
        "● starting  a-model on vllm, 1 x a card", "loading the model 40 %", "For this.", "pid 12", "http://the-page/",
        "a card, memory", "2.0 of 8.0 GiB", "62 %", "37 %", "1.0 of 4.0 GiB",
        "4 open chats, 2 answers in progress, 3 waiting", "0.75 s", "30 tokens/s", "failed  The disk is full",
    ):  # fmt: skip
        assert part in text, part


@pytest.mark.parametrize(
    "overview",
    ["[]", "{}", '{"chats": 4}', OVERVIEW.replace('"turns": [[', '"turns": [["a", '), OVERVIEW.replace('"cpu"', '"c"')],
    ids=["a list", "nothing", "chats told otherwise", "turns told otherwise", "a load without a part"],
)
def test_a_page_of_another_version_costs_only_its_own_figures(settings: Settings, overview: str) -> None:
    secret(settings.files.watch_key)
    text, asked = shown_with_page(settings, overview)
    assert len(asked) == 1
    assert "http://the-page/" in text
    assert "free disk" in text


def test_more_than_we_know_of_a_load_is_left_out(settings: Settings) -> None:
    secret(settings.files.watch_key)
    text, _ = shown_with_page(
        settings, OVERVIEW.replace('{"cpu"', '{"planets": 8, "cpu"').replace('"busy"', '"x": 1, "busy"')
    )
    assert "a card, memory" in text


def test_without_the_page_the_rest_is_shown(settings: Settings) -> None:
    status = Status().with_engine(state="failed", reason=Reason("disk_full"), kind="reader", model="reader")
    text = shown(settings, status, None)
    assert "● failed  reader" in text
    assert "The disk is full" in text
    assert "free disk" in text
    assert "chats" not in text


def test_the_hour_in_characters() -> None:
    line = status_view.sparkline([(0.0, 1.0), (3590.0, 8.0), (3599.0, 8.0)], 3600.0)
    set_back = status_view.sparkline([(3590.0, 1.0), (90_000.0, 8.0)], 3600.0)
    assert set_back.strip() == "▅"
    assert len(line) == 40
    assert line[0] == "▂"
    assert line[-1] == "█"
    assert line[1:-1].strip() == ""


def test_a_download_beside_the_reader_shows_how_far_it_is(settings: Settings) -> None:
    status = Status().with_engine(state="ready", kind="reader", model="reader")
    assert "coming" not in shown(settings, status, None)
    fetching = status.with_coming(
        state="fetching", title="Kimi-VL", total=11_200_000_000, done=2_800_000_000, speed=14_000_000
    )
    said = shown(settings, fetching, None)
    assert "Fetching Kimi-VL (11.2 GB)" in said
    assert "2.8 of 11.2 GB, 14.0 MB/s, about 10 min left" in said
    assert "KIMI_DOWNLOAD" in shown(settings, status.with_coming(state="asking", title="Kimi-VL", total=11), None)
