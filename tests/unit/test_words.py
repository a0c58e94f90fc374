"""Plain English: words that are rare or outdated stay out of code and documents."""

import re
from collections.abc import Iterator

from engine.config import ROOT

FOLDERS = {
    "app": [".py", ".toml", ".js", ".html"],
    "docs": [".md"],
    "engine": [".py", ".toml"],
    "public": [".js", ".css"],
}
"""Folders to check, each with the endings of its files."""
FILES = [
    "README.md",
    "README.zh-CN.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "chainlit.md",
    ".env.example",
    "Dockerfile",
    "compose.yaml",
    "start.sh",
]
PLAIN = {
    "anew": "again",
    "mend": "fix",
    "mends": "fixes, or: workarounds",
    "mended": "fixed",
    "whoever": "anyone who",
    "by and by": "gradually, or: in steps",
    "need it not": "do not need it",
    "stands in": "replaces, or: is in",
}
"""Words to avoid, and what to write instead."""
_WORDS = re.compile(rf"\b({'|'.join(PLAIN)})\b".replace(" ", r"\s+"), re.IGNORECASE)
_UNRELEASED = re.compile(r"^## \[Unreleased\]\n.*?(?=^## \[|\Z)", re.MULTILINE | re.DOTALL)


def texts() -> Iterator[tuple[str, str]]:
    """The name and text of each file to check; of the changelog only what is unreleased."""
    for folder, endings in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in endings:
                yield str(path.relative_to(ROOT)), path.read_text()
    for name in FILES:
        text = (ROOT / name).read_text()
        if name == "CHANGELOG.md":
            [text] = _UNRELEASED.findall(text)
        yield name, text


def test_the_words_are_plain() -> None:
    checked = list(texts())
    assert len(checked) > len(FILES) + 5
    found = [
        f"{name}: {word!r}; write {PLAIN[' '.join(word.lower().split())]}"
        for name, text in checked
        for word in _WORDS.findall(text)
    ]
    assert found == []


def test_each_word_is_found_in_any_case_and_over_the_end_of_a_line() -> None:
    assert _WORDS.findall("Mended, by and\nby. Amend, Fastened, it stands inside.") == ["Mended", "by and\nby"]
