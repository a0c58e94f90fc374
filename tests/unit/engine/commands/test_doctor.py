"""`./start.sh doctor`: each check reports that all is well, or says what to do."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.commands import doctor
from engine.commands.cli import main
from engine.config import ROOT, Settings
from engine.machine import detect, nvidia
from engine.machine.detect import Hardware
from engine.machine.vendor import Accelerator
from engine.system import missing_fonts
from tests.instruments.ports import free_port

MakeSettings = Callable[..., Settings]


@pytest.fixture
def settings(tmp_path: Path) -> MakeSettings:
    """Settings of a workspace in which nothing runs; further ones by name."""

    def make(**changes: object) -> Settings:
        plain = {
            "engine": "reader",
            "workspace": tmp_path / "workspace",
            "port": free_port(),
            "engine_port": free_port(),
        }
        made = Settings(_env_file=None, **plain | changes)
        made.files.create()
        return made

    return make


def only(findings: list[doctor.Finding]) -> tuple[str, str]:
    """State and text of the one finding, whose advice is there where it is needed."""
    [finding] = findings
    assert bool(finding.advice) == (finding.state != "ok")
    return finding.state, f"{finding.what} {finding.advice}"


def test_a_whole_installation_is_found_whole(settings: MakeSettings, capsys: pytest.CaptureFixture[str]) -> None:
    made = settings()
    found = doctor.examine(made, Hardware(cores=2))
    assert [finding for finding in found if finding.state == "broken"] == []
    assert {"python", "packages", "workspace", "disk", "ports", "open files", "accelerator", "model", "chats"} <= {
        finding.check for finding in found
    }


@pytest.mark.parametrize(
    ("version", "state"),
    [((3, 11, 0), "ok"), ((3, 13, 9), "ok"), ((3, 10, 1), "broken"), ((3, 14, 0), "broken")],
)
def test_python(version: tuple[int, ...], state: str) -> None:
    assert only(doctor.python(version))[0] == state


def test_an_environment_of_another_lock_or_with_another_package(tmp_path: Path) -> None:
    assert only(doctor.environment(ROOT))[0] == "ok"
    for name in ("uv.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "engine").mkdir()
    shutil.copy(ROOT / "engine" / "uv.txt", tmp_path / "engine")
    assert only(doctor.environment(tmp_path))[0] == "broken", "there is no environment"
    # One that says that it is complete and holds nothing.
    subprocess.run([ROOT / ".venv" / "bin" / "uv", "venv", "-q", tmp_path / ".venv"], check=True, timeout=60)
    shutil.copy(ROOT / ".venv" / "prepared", tmp_path / ".venv")
    state, told = only(doctor.environment(tmp_path))
    assert state == "broken"
    assert "differs from uv.lock" in told
    (tmp_path / "uv.lock").write_text((tmp_path / "uv.lock").read_text() + "\n")
    assert "another uv.lock" in only(doctor.environment(tmp_path))[1]


def test_vllm_that_is_missing_half_there_or_whole(
    settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = settings(engine="vllm", model="nano")
    machine = Hardware(cores=2, memory=16 * 2**30, cpu_flags=frozenset({"avx2", "avx512f"}))
    assert "not installed" in only(doctor.engine_environment(made, machine, tmp_path))[1]
    (tmp_path / ".venv-vllm").mkdir()
    assert "incomplete" in only(doctor.engine_environment(made, machine, tmp_path))[1]
    monkeypatch.setattr("engine.engines.vllm.engine.is_ready", lambda *_: True)
    assert only(doctor.engine_environment(made, machine, tmp_path))[0] == "ok"
    assert doctor.engine_environment(settings(), machine, tmp_path) == [], "the reader needs none"


def test_a_workspace_that_others_can_read_or_no_one_can_write(
    settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = settings()
    assert only(doctor.workspace(made))[0] == "ok"
    made.files.engine_key.write_text("x")
    made.files.engine_key.chmod(0o644)
    state, told = only(doctor.workspace(made))
    assert (state, f"chmod go= '{made.files.engine_key}'" in told) == ("broken", True)
    made.files.engine_key.chmod(0o600)
    made.files.uploads.chmod(0o755)
    assert str(made.files.uploads) in only(doctor.workspace(made))[1]
    made.files.uploads.chmod(0o700)

    def refuse(**_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    assert "Read-only file system" in only(doctor.workspace(made))[1]


@pytest.mark.parametrize(("free", "state"), [(50e9, "ok"), (2e9, "warning"), (1e8, "broken")])
def test_disk(settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, free: float, state: str) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(1, 1, int(free)))
    assert only(doctor.disk(settings()))[0] == state


def test_a_port_that_is_taken_is_named_with_its_holder(settings: MakeSettings) -> None:
    made = settings()
    assert only(doctor.ports(made))[0] == "ok"
    with socket.create_server(("127.0.0.1", made.engine_port)):
        state, told = only(doctor.ports(made))
        assert state == "broken"
        assert f"(pid {os.getpid()})" in told
        assert f"KIMI_ENGINE_PORT={made.engine_port + 1}" in told


def test_few_open_files() -> None:
    assert [only(doctor.open_files(most, 256))[0] for most in (20_000, 1024, 256)] == ["ok", "ok", "warning"]
    assert only(doctor.open_files(4096, 1024))[1].strip() == "up to 4096 (the start raises it from 1024)"
    assert only(doctor.open_files(4096, -1))[1].strip() == "up to 4096"


def test_a_driver_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    import pynvml

    def fail() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_DRIVER_NOT_LOADED)

    monkeypatch.setattr(pynvml, "nvmlInit", fail)
    monkeypatch.setattr(nvidia, "Path", lambda path: Path("/") if "nvidia" in path else Path(path))
    found = doctor.machine(detect.detect())
    assert [finding.state for finding in found] == ["warning", "ok"], "the reader needs no driver"
    assert "NVML does not answer" in found[0].what
    device = Accelerator("nvidia", "H100", 80 * 2**30, driver="580.1")
    assert "H100, 80 GB, driver 580.1" in only(doctor.machine(Hardware((device,))))[1]


def test_weights_that_are_not_here_not_whole_or_of_no_model(settings: MakeSettings, tmp_path: Path) -> None:
    device = Accelerator("nvidia", "H100", 80 * 2**30, 80 * 2**30, "9.0", "580.1")
    machine = Hardware((device,), cores=8, memory=2**38)
    state, told = only(doctor.weights(settings(engine="vllm"), machine))
    assert (state, "fetches" in told) == ("warning", True)
    folder = tmp_path / "Kimi-VL-A3B-Thinking"
    folder.mkdir()
    state, told = only(doctor.weights(settings(engine="vllm", model=str(folder)), machine))
    assert (state, "config.json" in told) == ("broken", True)
    assert only(doctor.weights(settings(engine="vllm", model="no-such"), machine))[0] == "broken"
    assert only(doctor.weights(settings(), machine))[0] == "ok"


def test_chats_that_can_not_be_opened(settings: MakeSettings) -> None:
    made = settings()
    assert only(doctor.database(made))[0] == "ok"
    with sqlite3.connect(made.files.chats) as chats:
        chats.execute("CREATE TABLE threads (id text)")
        chats.executemany("INSERT INTO threads VALUES (?)", [("x" * 500,)] * 1000)
    chats.close()
    assert "1000 in" in only(doctor.database(made))[1]
    data = bytearray(made.files.chats.read_bytes())
    data[8192:30000] = b"\xff" * (30000 - 8192)
    made.files.chats.write_bytes(data)
    assert only(doctor.database(made))[0] == "broken"
    made.files.chats.write_bytes(b"no database at all, but long enough" * 100)
    assert only(doctor.database(made))[0] == "broken"
    assert only(doctor.database(settings(database_url=f"sqlite:///{made.files.chats}")))[0] == "broken"
    for scheme in ("postgresql", "postgres", "postgresql+asyncpg"):
        url = f"{scheme}://anna:secret@127.0.0.1:{free_port()}/chats"
        state, told = only(doctor.database(settings(database_url=url)))
        assert (state, "PostgreSQL" in told, "secret" in told) == ("broken", True, False)
    state, told = only(doctor.database(settings(database_url="anna:secret")))
    assert (state, "secret" in told) == ("broken", False)
    assert only(doctor.database(settings(database_url="mysql+aiomysql://anna:secret@host/chats")))[0] == "ok"


def test_the_exit_status_says_whether_something_is_broken(
    settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = settings()
    monkeypatch.setenv("KIMI_ENGINE", "reader")
    monkeypatch.setenv("KIMI_WORKSPACE", str(made.workspace))
    monkeypatch.setenv("KIMI_PORT", str(made.port))
    monkeypatch.setenv("KIMI_ENGINE_PORT", str(made.engine_port))
    assert main(["doctor", "--json"]) == 0
    assert {finding["state"] for finding in json.loads(capsys.readouterr().out)} <= {"ok", "warning"}
    made.files.run.chmod(0o777)
    assert main(["doctor"]) == 0, "the next start closes it"
    told = capsys.readouterr().out
    assert f"→ chmod go= '{made.files.run}'" in told
    made.files.engine_key.write_text("x")
    made.files.engine_key.chmod(0o644)
    assert main(["doctor"]) == 1


@pytest.mark.parametrize("breakage", ["missing", "no python", "no packages"])
def test_a_broken_environment_is_reported_by_start_sh_itself(tmp_path: Path, breakage: str) -> None:
    shutil.copy(ROOT / "start.sh", tmp_path)
    if breakage == "no python":
        (tmp_path / ".venv" / "bin").mkdir(parents=True)
        (tmp_path / ".venv" / "bin" / "python").symlink_to("/no/such/python")
    if breakage == "no packages":
        shutil.copytree(ROOT / "engine", tmp_path / "engine", ignore=shutil.ignore_patterns("nano", "__pycache__"))
        subprocess.run([ROOT / ".venv" / "bin" / "uv", "venv", "-q", tmp_path / ".venv"], check=True)
    ended = subprocess.run([tmp_path / "start.sh", "doctor"], capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert "packages" in ended.stderr
    assert "→ Delete .venv and run ./start.sh prepare." in ended.stderr


def test_fonts_that_pdfs_lacked_are_named(settings: MakeSettings) -> None:
    file = settings().files.missing_fonts
    missing_fonts.note(file, ("STSong-Light", "bad\nname"))
    for number in range(18):
        missing_fonts.note(file, (f"Font {number}" + "x" * 99,))
    missing_fonts.note(file, ("STSong-Light",))
    [_, finding] = doctor.fonts(settings())
    assert finding.state == "warning"
    assert "this machine: STSong-Light, Font 17x" in finding.what
    assert "badname" in finding.what
    assert len(missing_fonts.noted(file)) == 20
    assert max(map(len, missing_fonts.noted(file))) == 60
    file.write_text('{"Old": "2020-01-01T00:00:00Z"}')
    assert len(doctor.fonts(settings())) == 1
    file.write_text("{")
    assert len(doctor.fonts(settings())) == 1


def test_a_missing_fallback_font_is_said(settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [finding.state for finding in doctor.fonts(settings())] == ["ok"]
    monkeypatch.setattr(doctor.fallback_font, "_PACKAGE", "no_such_package")
    [finding] = doctor.fonts(settings())
    assert finding.state == "warning"
    assert finding.advice


def test_a_server_elsewhere_that_does_not_answer(settings: MakeSettings) -> None:
    assert doctor.server(settings()) == []
    address = f"http://127.0.0.1:{free_port()}/v1"
    state, text = only(doctor.server(settings(engine="openai", OPENAI_API_BASE=address + "/")))
    assert state == "broken"
    assert text.startswith(f"Nothing answers at {address} (connection refused).")
