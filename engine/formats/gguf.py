"""GGUF, the file format of llama.cpp: reads a file's header, writes a file.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, BinaryIO

MAGIC = b"GGUF"
VERSION = 3
ALIGNMENT = 32
_MOST_ENTRIES = 1_000_000
"""A header with more entries or tensors, or a longer list, is none; Kimi-VL's longest list has 163,840 tokens."""
_LONGEST_TEXT = 16 * 1024 * 1024
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _LIST = 8, 9


class GgufError(Exception):
    """A file is no GGUF, or is damaged; the text says how, and names no file."""


class Kind(IntEnum):
    """How a tensor's values are stored, of ggml's many ways those that a picture encoder or nano has."""

    F32 = 0
    F16 = 1
    Q8_0 = 8
    BF16 = 30


_BLOCKS = {Kind.F32: (1, 4), Kind.F16: (1, 2), Kind.Q8_0: (32, 34), Kind.BF16: (1, 2)}
"""Values of a block, and the bytes that they take."""


@dataclass(frozen=True)
class Tensor:
    """One tensor of a file."""

    name: str
    shape: tuple[int, ...]
    """The outermost dimension first, as numpy has it; the format itself has it last."""
    kind: int
    offset: int
    """Where its bytes begin in the file."""

    @property
    def size(self) -> int:
        """Its bytes.

        Raises:
            GgufError: it is stored in a way that is not in `Kind`.
        """
        block = next((block for kind, block in _BLOCKS.items() if kind == self.kind), None)
        if block is None:
            raise GgufError(f"{self.name} is stored in the way {self.kind}, which is not read here")
        values, size = block
        return math.prod(self.shape) // values * size


@dataclass(frozen=True)
class Header:
    """What comes before the tensors' bytes."""

    metadata: dict[str, Any]
    tensors: tuple[Tensor, ...]

    def text(self, key: str) -> str:
        """An entry that is a text; empty where there is none."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True)
class Values:
    """A tensor to be written: its bytes, stored as `kind`."""

    name: str
    shape: tuple[int, ...]
    kind: Kind
    data: bytes


def read_header(path: Path) -> Header:
    """The header of the file.

    Raises:
        GgufError: it is no GGUF of version 2 or 3, or ends too early.
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        if file.read(4) != MAGIC:
            raise GgufError("it does not begin as a GGUF file does")
        read = _Reader(file)
        version = read.scalar("I")
        if version not in {2, 3}:
            raise GgufError(f"it is a GGUF file of version {version}; versions 2 and 3 are read")
        tensors, entries = read.number(), read.number()
        metadata = {read.text(): read.value(read.scalar("I")) for _ in range(entries)}
        found = [read.tensor() for _ in range(tensors)]
        alignment = metadata.get("general.alignment", ALIGNMENT)
        begin = _aligned(file.tell(), alignment if isinstance(alignment, int) and alignment > 0 else ALIGNMENT)
    return Header(metadata, tuple(Tensor(name, shape, kind, begin + at) for name, shape, kind, at in found))


class _Reader:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def bytes(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise GgufError("it ends inside its header")
        return data

    def scalar(self, letter: str) -> Any:
        return struct.unpack(f"<{letter}", self.bytes(struct.calcsize(f"<{letter}")))[0]

    def number(self, most: int = _MOST_ENTRIES) -> int:
        number = int(self.scalar("Q"))
        if number > most:
            raise GgufError("its header is damaged")
        return number

    def text(self) -> str:
        return self.bytes(self.number(_LONGEST_TEXT)).decode("utf-8", "replace")

    def value(self, kind: int) -> Any:
        if kind == _TEXT:
            return self.text()
        if kind == _LIST:
            of, length = self.scalar("I"), self.number()
            return [self.value(of) for _ in range(length)]
        if kind not in _SCALARS:
            raise GgufError("its header is damaged")
        return self.scalar(_SCALARS[kind])

    def tensor(self) -> tuple[str, tuple[int, ...], int, int]:
        name = self.text()
        dimensions = self.scalar("I")
        if dimensions > 4:
            raise GgufError("its header is damaged")
        shape = tuple(int(self.scalar("Q")) for _ in range(dimensions))
        return name, shape[::-1], int(self.scalar("I")), int(self.scalar("Q"))


def write(path: Path, metadata: Mapping[str, Any], tensors: Sequence[Values]) -> None:
    """Writes a file. Whole numbers are stored as uint32, in lists as int32; others as float32.

    Raises:
        OSError: it can't be written.
    """
    header = io.BytesIO()
    header.write(MAGIC + struct.pack("<IQQ", VERSION, len(tensors), len(metadata)))
    for key, value in metadata.items():
        header.write(_text(key) + _typed(value))
    at = 0
    for tensor in tensors:
        header.write(_text(tensor.name) + struct.pack("<I", len(tensor.shape)))
        header.write(struct.pack(f"<{len(tensor.shape)}QIQ", *tensor.shape[::-1], tensor.kind, at))
        at = _aligned(at + len(tensor.data), ALIGNMENT)
    with path.open("wb") as file:
        file.write(_padded(header.getvalue()))
        for tensor in tensors:
            file.write(_padded(tensor.data))


def _typed(value: object) -> bytes:
    match value:
        case str():
            return struct.pack("<I", _TEXT) + _text(value)
        case bool():
            return struct.pack("<I?", 7, value)
        case int():
            return struct.pack("<II", 4, value)
        case float():
            return struct.pack("<If", 6, value)
        case [str(), *_]:
            return struct.pack("<IIQ", _LIST, _TEXT, len(value)) + b"".join(_text(str(entry)) for entry in value)
        case [first, *_]:
            kind, letter = (5, "i") if isinstance(first, int) else (6, "f")
            return struct.pack(f"<IIQ{len(value)}{letter}", _LIST, kind, len(value), *value)
    raise TypeError(f"{type(value).__name__} has no place in a GGUF file")


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNMENT)


def _aligned(at: int, alignment: int) -> int:
    return at + -at % alignment
