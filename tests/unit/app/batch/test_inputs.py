"""Which files a batch reads."""

from pathlib import Path

import pytest

from app.batch import inputs
from app.batch.inputs import InputError, find_inputs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.PNG", "a.pdf", "deep/c.jpg", "deep/notes.txt", ".hidden.png", "scan.bin"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path


def names(found: inputs.Inputs, folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in found.files]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["."], ["a.pdf", "b.PNG", "deep/c.jpg"]),
        (["deep", "b.PNG", "."], ["deep/c.jpg", "b.PNG", "a.pdf"]),
        (["*.p*"], ["a.pdf"]),
        (["**/*.jpg"], ["deep/c.jpg"]),
        (["scan.bin"], ["scan.bin"]),
        (["b.PNG", "./b.PNG"], ["b.PNG"]),
    ],
)
def test_folders_patterns_and_names(folder: Path, given: list[str], expected: list[str]) -> None:
    assert names(find_inputs(given, folder), folder) == expected


def test_a_pattern_may_be_absolute(folder: Path) -> None:
    assert names(find_inputs([f"{folder}/*.pdf"], Path("/")), folder) == ["a.pdf"]


def test_what_is_missing_is_named_beside_what_is_there(folder: Path) -> None:
    found = find_inputs(["gone.png", "a.pdf", "*.webp"], folder)
    assert (names(found, folder), found.missing) == (["a.pdf"], ["gone.png", "*.webp"])


def test_a_folder_without_pictures_says_what_is_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"No picture and no PDF was found in \..* \.png"):
        find_inputs(["."], tmp_path)


def test_a_pattern_that_is_none_is_said(folder: Path) -> None:
    with pytest.raises(InputError, match=r"sc\*\*/\*\.jpg is no pattern"):
        find_inputs(["sc**/*.jpg"], folder)


def test_there_is_a_limit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MOST_FILES", 2)
    with pytest.raises(InputError, match="more than 2 files"):
        find_inputs(["."], folder)
