"""Puts the queries and keys of Kimi-VL's picture encoder into the order that llama.cpp reads them in, in a copy.

MoonViT rotates the pairs of a head by turns: the first by x, the second by y, the third by x again. llama.cpp rotates
the first half of each head by x and the second by y, and its converter reorders the rows of queries and keys
accordingly for Kimi-K2.5, but not for Kimi-VL, whose published files therefore see scrambled. Rows only move, so that
this is exact in every precision. docs/llama.md explains it, with the proof on nano.

Sources: `precomputed_freqs_cis` in vLLM's moonvit.py; `build_rope_2d` in llama.cpp's tools/mtmd/clip.cpp.

    python -m engine.engines.llama.rotary MMPROJ COPY
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.formats.gguf import GgufError, read_header

_ROTATED = re.compile(r"v\.blk\.\d+\.attn_[qk]\.(weight|bias)")
_HEADS = "clip.vision.attention.head_count"


def row_order(rows: int, heads: int) -> list[int]:
    """For each row of the result the row of the original that belongs there.

    The original's rows are (head, frequency, axis, part), the result's (head, axis, frequency, part), where a part is
    the real or the imaginary one of a pair.
    """
    size = rows // heads
    return [
        head * size + 4 * frequency + 2 * axis + part
        for head in range(heads)
        for axis in range(2)
        for frequency in range(size // 4)
        for part in range(2)
    ]


def reorder(source: Path, target: Path) -> None:
    """Writes `source`, an mmproj file of Kimi-VL as llama.cpp's converter makes it, to `target` with its rows moved.

    `source` stays as it is, and `target` is there whole or not at all.

    Raises:
        GgufError: `source` is no GGUF, or no picture encoder of Kimi-VL.
        OSError: it can't be read, or `target` can't be written.
    """
    header = read_header(source)
    heads = header.metadata.get(_HEADS)
    if header.text("clip.projector_type") != "kimivl" or not isinstance(heads, int):
        raise GgufError("it is no picture encoder of Kimi-VL")
    temporary = target.with_name(f".{target.name}.new")
    try:
        shutil.copyfile(source, temporary)
        with temporary.open("r+b") as file:
            for tensor in header.tensors:
                if _ROTATED.fullmatch(tensor.name):
                    file.seek(tensor.offset)
                    data = file.read(tensor.size)
                    if len(data) < tensor.size:
                        raise GgufError(f"it ends inside {tensor.name}")
                    file.seek(tensor.offset)
                    file.write(_moved(data, row_order(tensor.shape[0], heads)))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _moved(data: bytes, order: Sequence[int]) -> bytes:
    size = len(data) // len(order)
    return b"".join(data[row * size : (row + 1) * size] for row in order)


def main() -> int:
    """Makes the copy; the last line says why not."""
    try:
        reorder(Path(sys.argv[1]), Path(sys.argv[2]))
    except (GgufError, OSError) as error:
        print(f"{sys.argv[1]}: {error}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
