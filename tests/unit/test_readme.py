"""The two READMEs: short, in step, and correct about commands and settings."""

import re

import pytest

from engine.commands.cli import parser
from engine.config import ROOT, Settings

READMES = ["README.md", "README.zh-CN.md"]


def commands(name: str) -> list[str]:
    """The command lines of all shell blocks, without comments."""
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / name).read_text(), re.DOTALL)
    lines = "".join(blocks).splitlines()
    return [line.split("#")[0].strip() for line in lines if line.strip()]


def test_both_languages_have_the_same_commands_settings_and_pictures_of_the_structure() -> None:
    english, chinese = (ROOT / name for name in READMES)
    assert commands(READMES[0]) == commands(READMES[1])
    for pattern in (r"\| `(KIMI_\w+)` \| `([^`]*)`", r"```\n(browser .*?)```", r"^#+ "):
        found = [re.findall(pattern, file.read_text(), re.DOTALL | re.MULTILINE) for file in (english, chinese)]
        assert found[0] == found[1]


@pytest.mark.parametrize("name", READMES)
def test_a_readme_is_short_and_names_only_what_exists(name: str) -> None:
    text = (ROOT / name).read_text()
    assert len(text.splitlines()) <= 100
    for line in commands(name):
        if line.startswith("curl "):
            assert f"http://127.0.0.1:{Settings(_env_file=None).port}/" in line
            continue
        word = line.split()[1] if " " in line else "up"
        choices = next(action for action in parser()._actions if action.dest == "word").choices
        assert choices is not None
        assert word in {*choices, "test", "help", "prepare", "version"}
    defaults = Settings(_env_file=None)
    for key, value in re.findall(r"\| `KIMI_(\w+)` \| `([^`]*)`", text):
        assert str(getattr(defaults, key.lower())).endswith(value)
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / target).exists(), target
