"""Nano's table of positions, so made that llama.cpp stretches it to what Kimi-VL's own stretching gives.

MoonViT stretches its table to the grid of a picture: Kimi-VL bicubically, llama.cpp bilinearly with antialiasing. Both
work on one axis after the other. So one matrix per axis is enough: with `lift` such that bilinear · lift = bicubic for
every side that nano's pictures have, lift · table · liftᵀ is the table to write.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.nano.gguf.checkpoint import Array

_SIDES = (6, 8, 10)
"""The grids of nano's pictures in patches, for sides in a ratio of up to 1.7."""
_TABLE_SIDE = 33
"""Large enough to have a solution for all of them."""

Matrix = npt.NDArray[np.float64]


def fitted(table: Array) -> Array:
    """(side, side, width) → the same of another side.

    Raises:
        ValueError: no table serves all grids.
    """
    before = np.concatenate([_bilinear_antialiased(_TABLE_SIDE, side) for side in _SIDES])
    after = np.concatenate([_bicubic(len(table), side) for side in _SIDES])
    lift, _, rank, _ = np.linalg.lstsq(before, after, rcond=1e-6)
    if rank < len(before):
        raise ValueError(f"no table of {_TABLE_SIDE} serves all of {_SIDES}")
    return np.asarray(np.einsum("ia,abd,jb->ijd", lift, table, lift), np.float32)


def _bicubic(size: int, out: int) -> Matrix:
    """(out, size): `F.interpolate(mode="bicubic")` of PyTorch, one axis of it."""
    a = -0.75
    matrix = np.zeros((out, size))
    for row in range(out):
        x = (row + 0.5) * size / out - 0.5
        base = int(np.floor(x))
        for near in range(base - 1, base + 3):
            t = abs(x - near)
            weight = (a + 2) * t**3 - (a + 3) * t**2 + 1 if t <= 1 else a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a
            matrix[row, min(max(near, 0), size - 1)] += weight
    return matrix


def _bilinear_antialiased(size: int, out: int) -> Matrix:
    """(out, size): ggml's bilinear interpolation with antialiasing, one axis of it."""
    scale = out / size
    support = max(1.0, 1.0 / scale)
    matrix = np.zeros((out, size))
    for row in range(out):
        x = (row + 0.5) / scale
        for column in range(max(int(x - support + 0.5), 0), min(int(x + support + 0.5), size)):
            matrix[row, column] = max(1.0 - abs((column - x + 0.5) / support), 0.0)
    return np.asarray(matrix / matrix.sum(1, keepdims=True), np.float64)
