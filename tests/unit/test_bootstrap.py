"""start.sh and what it installs first."""

import re
import subprocess

from engine.cli import parser
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
