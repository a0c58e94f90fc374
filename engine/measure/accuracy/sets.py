"""Sets of pictures with the expected texts or answers: a folder with a manifest, or VLMEvalKit's TSV."""

from __future__ import annotations

import ast
import base64
import binascii
import csv
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.formats.base64_text import data_url

OUR_PICTURES = Path(__file__).with_name("pictures")
MANIFEST = "manifest.json"
READ_ALL = "Read all the text in the image."
SHORTLY = "\nAnswer the question using a single word or phrase."
"""What VLMEvalKit adds to a question of InfoVQA."""
_REFERENCE = 64
"""An image of at most this many characters is the index of the row that contains it."""
_KINDS = {b"\x89PNG": "image/png", b"GIF8": "image/gif", b"RIFF": "image/webp", b"\xff\xd8\xff": "image/jpeg"}


class SetError(Exception):
    """The data can't be read as a set; the text is one sentence."""


@dataclass(frozen=True)
class Item:
    """A question about a picture, and what counts as the answer."""

    name: str
    question: str
    expected: tuple[str, ...]
    category: str = ""


@dataclass(frozen=True)
class PictureSet:
    """Items in their order, each with a function that reads its picture, so that they need not all fit in memory."""

    digest: str
    """A hash of the data."""
    size: int
    items: Callable[[], Iterator[tuple[Item, Callable[[], bytes]]]]


def picture_url(picture: bytes) -> str:
    """The picture as an engine accepts it."""
    kind = next((kind for mark, kind in _KINDS.items() if picture.startswith(mark)), "image/jpeg")
    return data_url(picture, kind)


def folder_set(folder: Path) -> PictureSet:
    """Pictures whose whole text is known: `manifest.json` is an object, picture → text.

    Raises:
        SetError: there is no such manifest, or it names a picture that does not exist.
    """
    path = folder / MANIFEST
    try:
        texts: dict[str, str] = json.loads(path.read_text())
        pairs = [(folder / name, name, str(text)) for name, text in texts.items()]
    except (OSError, ValueError, AttributeError) as error:
        raise SetError(f'{path} must be a JSON object, {{"picture.png": "its text"}}: {error}') from None
    if missing := [name for file, name, _ in pairs if not file.is_file()]:
        raise SetError(f"{path} names {missing[0]}, which does not exist.")
    digest = hashlib.sha256(path.read_bytes())
    for file, _, _ in pairs:
        digest.update(file.read_bytes())

    def items() -> Iterator[tuple[Item, Callable[[], bytes]]]:
        for file, name, text in pairs:
            yield Item(name, READ_ALL, (text,)), file.read_bytes

    return PictureSet(digest.hexdigest(), len(pairs), items)


def tsv_set(path: Path, suffix: str = "") -> PictureSet:
    """VLMEvalKit's TSV: index, image in base64, question, answer; `suffix` is added to each question.

    Raises:
        SetError: it can't be read, or lacks a column.
    """
    csv.field_size_limit(sys.maxsize)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        with path.open(encoding="utf-8", newline="") as text:
            columns = set(csv.DictReader(text, delimiter="\t").fieldnames or ())
    except (OSError, UnicodeDecodeError) as error:
        raise SetError(f"{path} can't be read: {error}") from None
    if missing := {"index", "image", "question", "answer"} - columns:
        raise SetError(f"{path} is not VLMEvalKit's: it has no column {', '.join(sorted(missing))}.")
    return PictureSet(digest, sum(1 for _ in _rows(path)), lambda: _tsv_items(path, suffix))


def _tsv_items(path: Path, suffix: str) -> Iterator[tuple[Item, Callable[[], bytes]]]:
    shared = _shared_images(path)
    for row in _rows(path):
        image = shared.get(row["image"], row["image"])
        question, expected = row["question"] + suffix, _answers(row["answer"])
        yield Item(row["index"], question, expected, row.get("category") or ""), _decoder(image)


def _shared_images(path: Path) -> dict[str, str]:
    """The images that other rows refer to by their index."""
    wanted = {row["image"] for row in _rows(path) if len(row["image"]) <= _REFERENCE}
    return {row["index"]: row["image"] for row in _rows(path) if row["index"] in wanted} if wanted else {}


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter="\t")


def _decoder(image: str) -> Callable[[], bytes]:
    def decode() -> bytes:
        try:
            return base64.b64decode(image, validate=True)
        except binascii.Error as error:
            raise SetError(f"An image of the set is not base64: {error}") from None

    return decode


def _answers(text: str) -> tuple[str, ...]:
    """One answer, or several written as a Python list."""
    if text.startswith("["):
        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            return (text,)
        if isinstance(found, list) and found:
            return tuple(map(str, found))
    return (text,)
