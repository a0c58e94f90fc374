"""One file by HTTP: whole or not at all, and never again what is there."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.install.file_download import DownloadError, RemoteFile, fetch
from tests.instruments.file_server import FileServer

DATA = os.urandom(300_000)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer() as server:
        server.files["a"] = DATA
        yield server


def remote(server: FileServer, data: bytes = DATA) -> RemoteFile:
    return RemoteFile(f"{server.url}/a", len(data), hashlib.sha256(data).hexdigest())


def test_it_is_fetched_whole(server: FileServer, tmp_path: Path) -> None:
    fetch(remote(server), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_one_that_broke_off_goes_on_where_it_ended(server: FileServer, tmp_path: Path) -> None:
    server.breaks_after = 100_000
    with pytest.raises(DownloadError, match="broke off; start again to go on"):
        fetch(remote(server), tmp_path / "a")
    assert not (tmp_path / "a").exists()
    server.breaks_after = None
    fetch(remote(server), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA
    assert server.ranges == ["", "bytes=100000-"]


@pytest.mark.parametrize("other", [DATA[::-1], DATA + b"more", b"short"])
def test_another_file_is_refused(server: FileServer, tmp_path: Path, other: bytes) -> None:
    server.files["a"] = other
    with pytest.raises(DownloadError):
        fetch(remote(server), tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_server_out_of_reach_is_named(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"http://127\.0\.0\.1:9/a can't be fetched"):
        fetch(RemoteFile("http://127.0.0.1:9/a", 1, ""), tmp_path / "a")
