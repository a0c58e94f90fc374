"""Which processes belong to a workspace: copies, moved folders, records of other versions, containers."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from engine.config import ROOT
from tests.instruments.ports import free_port
from tests.instruments.product import PATIENCE, Product, alive, running_product
from tests.instruments.scripted_product import EngineThread


@pytest.fixture(scope="module")
def settings() -> Iterator[dict[str, str]]:
    """Settings of a product whose answers come from an instrument, so that it is up soon."""
    with EngineThread() as thread:
        yield {"KIMI_ENGINE": "openai", "OPENAI_API_BASE": thread.engine.base_url, "OPENAI_API_KEY": "none"}


@contextmanager
def running(workspace: Path, settings: dict[str, str]) -> Iterator[Product]:
    with running_product(workspace, **settings) as product:
        yield product


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, str]) -> Iterator[Product]:
    """A product that no test ends, started from a shell in which few files may be open."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
    product = Product(tmp_path_factory.mktemp("original") / "workspace", **settings)
    product.start()
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
    try:
        product.until_ready()
        yield product
    finally:
        product.stop()


def copy_of(product: Product, workspace: Path, settings: dict[str, str]) -> Product:
    """Copies the folder, with all permissions and times, to use the copy as well."""
    subprocess.run(["cp", "-a", product.workspace, workspace], check=True)
    return Product(workspace, **settings)


def pids(product: Product) -> set[int]:
    return {process.pid for process in product.tree()}


def at(product: Product, workspace: Path) -> Product:
    """The same product, seen with the workspace under another path."""
    other = Product(workspace)
    other.environment = product.environment | {"KIMI_WORKSPACE": str(workspace)}
    return other


def test_a_copy_of_a_running_workspace_leaves_the_originals_processes_alone(
    original: Product, tmp_path: Path, settings: dict[str, str]
) -> None:
    before = pids(original)
    copy = copy_of(original, tmp_path / "copy", settings)
    assert copy.run("status").returncode == 1
    assert copy.run("stop").stdout == f"Nothing runs in {copy.workspace}.\n"
    copy.start()
    try:
        copy.until(lambda status: status["page"]["state"] == "ready" and status["page"]["pid"] not in before)
        assert pids(original) == before
        assert f"pid {original.status()['page']['pid']}" not in copy.run("status").stdout
        assert copy.run("stop").stdout == "Stopped.\n"
    finally:
        copy.stop()
    assert pids(original) == before
    assert original.get("/healthz")[0] == 200
    assert original.run("status").returncode == 0


@pytest.mark.parametrize(
    "record",
    [
        None,
        "",
        '{"pid": 1, "started": 1764460800.5}',
        '{"version": 99, "process": {"number": 1}, "workspace": "elsewhere", "path": 5}',
    ],
    ids=["gone", "empty", "of an older version", "of a newer version"],
)
def test_status_believes_the_held_lock_whatever_the_record_says(original: Product, record: str | None) -> None:
    path = original.workspace / "run" / "supervisor.json"
    written = path.read_bytes()
    try:
        path.unlink()
        if record is not None:
            path.write_text(record)
        reported = original.run("status")
        assert (reported.returncode, original.url in reported.stdout) == (0, True)
        assert "another container" not in reported.stdout
        assert "already runs" in original.run().stderr
    finally:
        path.write_bytes(written)


def test_stop_ends_one_whose_record_is_another_versions(tmp_path: Path, settings: dict[str, str]) -> None:
    with running(tmp_path / "workspace", settings) as product:
        record = product.workspace / "run" / "supervisor.json"
        # An older version noted the time since the epoch, where ours is since the boot.
        record.write_text(json.dumps({"pid": product.tree()[0].pid, "started": psutil.Process().create_time()}))
        status = product.workspace / "run" / "status.json"
        newer = json.loads(status.read_text())
        newer = {"engine": newer["engine"] | {"colour": "blue"}, "page": newer["page"], "tide": "high"}
        del newer["page"]["since"]
        status.write_text(json.dumps(newer))
        assert product.url in product.run("status").stdout
        assert product.run("stop").stdout == "Stopped.\n"
        assert product.process is not None
        assert product.process.wait(PATIENCE) == 0


def test_a_workspace_that_is_moved_while_it_runs_says_so_and_can_be_stopped(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    with running(tmp_path / "before", settings) as product:
        (tmp_path / "link").symlink_to(tmp_path / "before")
        reported = at(product, tmp_path / "link").run("status").stdout
        assert product.url in reported
        assert "was moved" not in reported
        (tmp_path / "before").rename(tmp_path / "after")
        moved = at(product, tmp_path / "after")
        reported = " ".join(moved.run("status").stdout.split())
        assert f"was {tmp_path / 'before'} when it was started, and was moved while it ran" in reported
        assert moved.run("stop").stdout == "Stopped.\n"
        assert product.process is not None
        assert product.process.wait(PATIENCE) == 0
        # The stopped folder is a workspace like any other.
        moved.start()
        moved.until(lambda status: status["page"]["state"] == "ready")
        assert "was moved" not in moved.run("status").stdout
        moved.stop()


def test_another_container_on_the_same_disk_sees_that_it_runs_and_ends_nothing(original: Product) -> None:
    contained = ["unshare", "--pid", "--fork", "--mount-proc"]
    if shutil.which("unshare") is None or subprocess.run([*contained, "true"], check=False).returncode:
        pytest.skip("a space of process numbers of one's own can be made by root only")
    before = pids(original)

    def inside(word: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*contained, ROOT / "start.sh", word],
            env=original.environment, capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip

    reported = inside("status")
    assert (reported.returncode, "in another container" in reported.stdout) == (0, True)
    stopped = inside("stop")
    assert (stopped.returncode, "Stop it there." in stopped.stderr) == (1, True)
    assert pids(original) == before


def test_the_processes_of_a_killed_supervisor_are_ended_only_by_a_start_in_the_same_folder(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    product = Product(tmp_path / "workspace", **settings)
    product.start()
    product.until_ready()
    page = psutil.Process(product.status()["page"]["pid"])
    # Stopped, it can't follow the end of its parent.
    page.suspend()
    os.kill(product.tree()[0].pid, signal.SIGKILL)
    assert product.process is not None
    product.process.wait(PATIENCE)
    copy = copy_of(product, tmp_path / "copy", settings)
    (tmp_path / "workspace").rename(tmp_path / "moved")
    moved = at(product, tmp_path / "moved")
    for one, left in ((copy, True), (moved, False)):
        one.environment |= {"KIMI_PORT": str(free_port())}
        one.start()
        try:
            one.until(lambda status: status["page"]["state"] == "ready" and status["page"]["pid"] != page.pid)
            assert bool(alive([page])) is left
        finally:
            one.stop()


def test_the_record_has_what_an_older_version_finds_the_supervisor_by(original: Product) -> None:
    record = json.loads((original.workspace / "run" / "supervisor.json").read_text())
    supervisor = original.tree()[0]
    assert record["pid"] == supervisor.pid
    assert abs(record["started"] - (supervisor.create_time() - psutil.boot_time())) < 2


def test_the_start_raises_the_limit_of_open_files(original: Product) -> None:
    soft, hard = psutil.Process(original.status()["page"]["pid"]).rlimit(psutil.RLIMIT_NOFILE)
    assert soft == min(hard, 1_048_576)


def test_a_workspace_that_is_deleted_while_it_runs_ends_it_with_a_sentence(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    product = Product(tmp_path / "workspace", **settings)
    product.start()
    product.until_ready()
    processes = product.tree()
    shutil.rmtree(product.workspace / "run")
    assert product.process is not None
    assert product.process.wait(PATIENCE) == 1
    assert f"{product.workspace / 'run'} was deleted while Kimi-VL Chat ran" in product.output.read_text()
    assert alive(processes) == []
    with running(product.workspace, settings) as again:
        assert again.get("/healthz")[0] == 200
