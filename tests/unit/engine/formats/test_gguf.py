"""GGUF files: what is written is read again, and what is no such file is told."""

import struct
from pathlib import Path

import pytest

from engine.formats.gguf import ALIGNMENT, GgufError, Kind, Values, read_header, write

METADATA = {
    "general.architecture": "clip",
    "numbers": 7,
    "share": 0.5,
    "yes": True,
    "names": ["α", "", "b c"],
    "kinds": [1, -3],
    "mean": [0.5, 0.25],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.gguf"
    write(path, METADATA, [Values("a", (3,), Kind.F32, b"abcdefghijkl"), Values("b", (2, 32), Kind.Q8_0, bytes(68))])
    return path


def test_what_is_written_is_read_again(file: Path) -> None:
    header = read_header(file)
    assert header.metadata == METADATA
    first, second = header.tensors
    assert (first.name, first.shape, first.kind, first.size) == ("a", (3,), Kind.F32, 12)
    assert (second.name, second.shape, second.kind, second.size) == ("b", (2, 32), Kind.Q8_0, 68)
    assert first.offset % ALIGNMENT == second.offset % ALIGNMENT == 0
    assert file.read_bytes()[first.offset :][:12] == b"abcdefghijkl"
    assert second.offset + ALIGNMENT * 3 == file.stat().st_size


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: b"%PDF" + data[4:], "does not begin"),
        (lambda _: b"", "does not begin"),
        (lambda data: data[:4] + struct.pack("<I", 9) + data[8:], "version 9"),
        (lambda data: data[:40], "ends inside its header"),
        (lambda data: data[:8] + b"\xff" * 16 + data[24:], "header is damaged"),
    ],
)
def test_what_is_no_gguf_is_told(file: Path, damage: object, said: str) -> None:
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(GgufError, match=said):
        read_header(file)


def test_a_way_of_storing_that_is_not_known_is_named(file: Path) -> None:
    tensor = read_header(file).tensors[0]
    with pytest.raises(GgufError, match="a is stored in the way 99"):
        _ = type(tensor)(tensor.name, tensor.shape, 99, tensor.offset).size
