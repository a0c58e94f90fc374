"""The whole process tree with the real reader and the real page: kills, stops, second starts, commands."""

import json
import os
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.instruments.product import PATIENCE, Product, alive, running_product


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running_product(tmp_path_factory.mktemp("a product") / "work space") as running:
        yield running


def test_the_status_has_exactly_the_promised_shape(product: Product) -> None:
    status = product.until_ready()
    assert set(status) == {"engine", "page"}
    engine, page = status["engine"], status["page"]
    assert engine.keys() == {
        "kind", "state", "phase", "reason", "percent", "pid", "restarts", "since", "model", "base_url",
    }  # fmt: skip
    assert page.keys() == {"state", "reason", "url", "pid", "restarts", "since"}
    assert (engine["kind"], engine["phase"], engine["reason"], engine["percent"]) == ("reader", "", None, None)
    assert engine["base_url"] == f"{product.engine_url}/v1"
    assert page["url"] == product.url
    assert psutil.pid_exists(engine["pid"])
    assert psutil.pid_exists(page["pid"])


def test_the_key_is_the_owners_and_on_no_command_line(product: Product) -> None:
    path = product.workspace / "run" / "engine.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for process in product.tree():
        assert product.engine_key() not in " ".join(process.cmdline())


def test_the_words(product: Product) -> None:
    shown = product.run("status", "--json")
    assert shown.returncode == 0
    told_json = json.loads(shown.stdout)
    assert {name: told_json[name] for name in ("engine", "page")} == product.status()
    reported = product.run("status").stdout
    assert "reader" in reported
    assert product.url in reported
    logs = product.run("logs", "llm")
    assert logs.returncode == 0
    assert (product.workspace / "llm.log").read_text().splitlines()[-1] in logs.stdout


def test_a_second_start_says_so_and_exits(product: Product) -> None:
    second = product.run()
    assert second.returncode == 1
    assert "already runs" in second.stderr
    assert product.url in second.stderr
    assert product.status()["engine"]["state"] == "ready"


def test_a_taken_port_is_named_with_its_holder(product: Product, tmp_path: Path) -> None:
    other = Product(tmp_path / "other", KIMI_PORT=str(product.port))
    ended = other.run()
    assert ended.returncode == 1
    assert f"Port {product.port} is held by " in ended.stderr
    assert "pid" in ended.stderr


@pytest.mark.parametrize("part", ["engine", "page"])
def test_a_killed_process_is_restarted_and_the_other_keeps_running(product: Product, part: str) -> None:
    before = product.until_ready()
    other = "page" if part == "engine" else "engine"
    os.kill(before[part]["pid"], signal.SIGKILL)
    product.until(lambda s: s[part]["restarts"] > before[part]["restarts"], "a restart")
    after = product.until_ready()
    assert after[part]["pid"] != before[part]["pid"]
    assert after[other]["pid"] == before[other]["pid"]
    assert product.get("/healthz")[0] == 200


def test_after_the_supervisors_death_no_process_remains_and_the_next_start_is_clean(tmp_path: Path) -> None:
    product = Product(tmp_path / "workspace")
    product.start()
    product.until_ready()
    tree = product.tree()
    assert len(tree) >= 3
    os.kill(tree[0].pid, signal.SIGKILL)
    assert product.process is not None
    product.process.wait(PATIENCE)
    product.start()
    try:
        product.until(lambda s: s["engine"]["state"] == "ready" and s["engine"]["pid"] not in {p.pid for p in tree})
        product.until_ready()
        assert alive(tree) == []
    finally:
        again = product.tree()
        assert product.stop() == 0
    assert alive(again) == []


def test_stop_ends_all_from_another_directory(tmp_path: Path) -> None:
    product = Product(tmp_path / "workspace")
    product.start(cwd=tmp_path)
    product.until_ready()
    tree = product.tree()
    stopped = product.run("stop")
    assert stopped.returncode == 0
    assert stopped.stdout == "Stopped.\n"
    deadline = time.monotonic() + 10
    while alive(tree) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert alive(tree) == []
    assert product.run("status").returncode == 1
    assert "Nothing runs" in product.run("stop").stdout
    assert product.process is not None
    assert product.process.wait(PATIENCE) == 0


def test_a_wrong_setting_is_one_sentence_and_status_2(tmp_path: Path) -> None:
    ended = Product(tmp_path / "workspace", KIMI_PORT="http").run()
    assert ended.returncode == 2
    assert ended.stderr == "KIMI_PORT is 'http'; allowed is a whole number from 1 to 65535.\n"
