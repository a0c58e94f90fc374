"""The result of one file, the journal of all results so far, and the file that they are written to in the end."""

from __future__ import annotations

import contextlib
import csv
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from engine.formats.csv_cell import without_formula

FORMATS = ("jsonl", "csv", "md")
_COLUMNS = ("file", "question", "pages", "answer", "error", "notes", "seconds", "model")


@dataclass(frozen=True)
class Source:
    """A file as it was when it was read, and the question: what a result depends on."""

    file: str
    """Its path; what is no UTF-8 in it is replaced."""
    bytes: int
    modified: int
    """The time of its last change, in nanoseconds."""
    question: str

    @classmethod
    def of(cls, path: Path, question: str) -> Source:
        """The file as it is now.

        Raises:
            OSError: it can't be read.
        """
        found = path.stat()
        return cls(shown(path), found.st_size, found.st_mtime_ns, question)


def shown(path: Path) -> str:
    """The path as text that any file can hold."""
    return os.fsencode(path).decode("utf-8", "replace")


@dataclass(frozen=True)
class Result:
    """What came of one file: an answer, or one sentence on why there is none."""

    source: Source
    pages: int = 0
    answer: str = ""
    error: str = ""
    notes: list[str] = field(default_factory=list)
    """What should be known about the answer, such as pages that were left out."""
    seconds: float = 0.0
    model: str = ""


class Journal:
    """One line of JSON per result, written as soon as it is known, so that an interrupted batch can go on."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[Source, Result]:
        """The last result of each file. A line that was cut off is ignored."""
        results = {}
        with contextlib.suppress(FileNotFoundError):
            for line in self.path.read_bytes().splitlines():
                with contextlib.suppress(ValueError, TypeError, KeyError):
                    fields = orjson.loads(line)
                    result = Result(**fields | {"source": Source(**fields["source"])})
                    results[result.source] = result
        return results

    def add(self, result: Result) -> None:
        """Writes one result.

        Raises:
            OSError: it can't be written, e.g. on a full disk.
        """
        # The new line comes first: the last one may have been cut off.
        with self.path.open("ab") as file:
            file.write(b"\n" + orjson.dumps(result))


def rendered(results: Iterable[Result], kind: str) -> bytes:
    """The results as a file of this kind, one of `FORMATS`."""
    return {"jsonl": _jsonl, "csv": _csv, "md": _markdown}[kind](list(results)).encode("utf-8", "replace")


def _row(result: Result) -> dict[str, object]:
    source = {"file": result.source.file, "question": result.source.question}
    return source | {name: getattr(result, name) for name in _COLUMNS if name not in source}


def _jsonl(results: list[Result]) -> str:
    return "".join(orjson.dumps(_row(result)).decode() + "\n" for result in results)


def _csv(results: list[Result]) -> str:
    text = io.StringIO()
    # Excel takes a file for UTF-8 only if it begins with this mark.
    text.write("\N{ZERO WIDTH NO-BREAK SPACE}")
    table = csv.DictWriter(text, _COLUMNS)
    table.writeheader()
    for result in results:
        row = _row(result) | {"notes": " ".join(result.notes)}
        table.writerow(
            {name: without_formula(value) if isinstance(value, str) else value for name, value in row.items()}
        )
    return text.getvalue()


def _markdown(results: list[Result]) -> str:
    return "\n".join("\n\n".join(_section(result)) + "\n" for result in results)


def _section(result: Result) -> Iterator[str]:
    yield f"## {result.source.file}"
    if result.source.question:
        yield f"**{result.source.question}**"
    if result.error:
        yield f"*{result.error}*"
    for note in result.notes:
        yield f"*{note}*"
    if result.answer:
        yield result.answer
