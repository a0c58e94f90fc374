"""start.sh and what it installs first."""

import os
import re
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.commands.cli import parser
from engine.config import ROOT


def test_the_installer_is_the_locked_one() -> None:
    lock = (ROOT / "uv.lock").read_text()
    entry = lock[lock.index('\nname = "uv"\n') :].split("[[package]]")[0]
    first = (ROOT / "engine" / "uv.txt").read_text()
    version = re.search(r'version = "(.+?)"', entry)
    assert version is not None
    assert f"uv=={version[1]} " in first
    assert set(re.findall(r"sha256:\w+", first)) <= set(re.findall(r"sha256:\w+", entry))


def test_the_usage_names_every_word() -> None:
    usage = subprocess.run([ROOT / "start.sh", "help"], capture_output=True, text=True, check=True).stdout
    words = next(action for action in parser()._actions if action.dest == "word").choices
    assert words is not None
    for word in set(words) - {"up"}:
        assert re.search(rf"^  {word}\b", usage, re.MULTILINE), word


def test_an_unknown_word_gets_the_usage_on_stderr_and_status_2() -> None:
    ended = subprocess.run([ROOT / "start.sh", "strat"], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "strat" in ended.stderr
    assert "Usage:" in ended.stderr


@pytest.fixture
def clone() -> Iterator[Path]:
    """What an installation needs of the project, in a folder that every user can reach."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "engine").mkdir()
        for file in ("start.sh", "uv.lock", "pyproject.toml", "engine/uv.txt"):
            shutil.copy(ROOT / file, folder / file)
        yield folder


def test_without_a_network_the_last_line_says_what_to_do(clone: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    env = os.environ | {
        "HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere, "PIP_INDEX_URL": f"{nowhere}/simple", "PIP_RETRIES": "0",
        "UV_DEFAULT_INDEX": f"{nowhere}/simple", "UV_NO_CACHE": "1", "UV_HTTP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1",
    }  # fmt: skip
    ended = subprocess.run(
        [clone / "start.sh", "prepare"], env=env, capture_output=True, text=True, check=False, timeout=120
    )
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("The installer could not be installed; the reason is above.")
    assert "HTTPS_PROXY names a proxy" in last


@pytest.mark.parametrize("theirs", [".", ".venv", ".venv.lock"])
def test_an_installation_of_another_user_is_a_sentence(clone: Path, theirs: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("files of another user are made by root only")
    nobody = 65534
    os.chown(clone, nobody, nobody)
    if theirs == ".venv":
        (clone / theirs).mkdir(mode=0o700)
    elif theirs == ".venv.lock":
        (clone / theirs).write_text("")
    else:
        os.chown(clone, 0, 0)
    ended = subprocess.run(
        [clone / "start.sh", "status"],
        user=nobody, group=nobody, extra_groups=[], capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 1
    place = clone if theirs == "." else clone / theirs
    assert ended.stderr.startswith(f"nobody can't write {place}, which belongs to root: start as that user, or as")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("word", ["version", "--version", "-V"])
def test_the_version_is_told_before_anything_is_installed(tmp_path: Path, word: str) -> None:
    for name in ("start.sh", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    ended = subprocess.run([tmp_path / "start.sh", word], capture_output=True, text=True, check=True, timeout=60)
    number = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert ended.stdout == f"Kimi-VL Chat {number}\n"
    assert not (tmp_path / ".venv").exists()
