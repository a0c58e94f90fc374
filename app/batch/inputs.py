"""The files that a batch reads: those named, those in folders, and those that match a pattern."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

KINDS = frozenset(
    [".avif", ".bmp", ".gif", ".heic", ".heif", ".jpeg", ".jpg", ".pdf", ".png", ".tif", ".tiff", ".webp"]
)
"""The endings of the files that are taken from folders and patterns. A file that is named is read whatever its name."""
MOST_FILES = 100_000
_PATTERN = frozenset("*?[")


class InputError(Exception):
    """Nothing can be read; the text is one sentence with the way out."""


@dataclass
class Inputs:
    """What was found."""

    files: list[Path] = field(default_factory=list)
    """Absolute, without duplicates, in the order of the arguments; those of a folder by name."""
    missing: list[str] = field(default_factory=list)
    """The arguments that name nothing to read."""


def find_inputs(given: Sequence[str], folder: Path) -> Inputs:
    """Finds the files that `given` names; relative paths are relative to `folder`.

    Raises:
        InputError: there is no file, or more than `MOST_FILES`.
    """
    inputs, seen = Inputs(), set[Path]()
    for argument in given:
        found = False
        for path in _files(argument, folder):
            found = True
            if (real := path.resolve()) not in seen:
                seen.add(real)
                inputs.files.append(path)
            if len(seen) > MOST_FILES:
                raise InputError(f"There are more than {MOST_FILES} files: name fewer folders at once.")
        if not found:
            inputs.missing.append(argument)
    if not inputs.files:
        names = ", ".join(inputs.missing)
        raise InputError(f"No picture and no PDF was found in {names}. Files that end in {_endings()} are read.")
    return inputs


def _files(argument: str, folder: Path) -> Iterator[Path]:
    path = (folder / argument).absolute()
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from _readable(sorted(path.rglob("*")))
    elif _PATTERN & set(argument):
        root = Path(Path(argument).anchor or folder)
        try:
            yield from _readable(sorted(root.glob(str(Path(argument).relative_to(Path(argument).anchor)))))
        except ValueError:
            raise InputError(f"{argument} is no pattern: ** is a whole folder name, as in scans/**/*.jpg") from None


def _readable(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.suffix.lower() in KINDS and not path.name.startswith(".") and path.is_file():
            yield path.absolute()


def _endings() -> str:
    return " ".join(sorted(KINDS))
