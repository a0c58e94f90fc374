"""Where the ink of a line is, by its pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.reader.reading.prepare import Pixels

# Ink differs from its ground by a third of the contrast of the line, and by more than the noise of a scan.
_INK, _NOISE = 0.33, 24.0
# Writing leaves its ground even and covers some of it, in separate strokes; textures and frames do not.
_EVEN, _LEAST, _MOST, _STROKES = 0.15, 0.04, 0.5, 3


def columns(crop: Pixels) -> NDArray[np.bool_]:
    """Return which columns of a line's pixels have ink in them."""
    return np.asarray(_inked(crop)[0].any(axis=0))


def is_writing(crop: Pixels) -> bool:
    """Whether the pixels look written: strokes on an even ground, in whatever script."""
    inked, differs = _inked(crop)
    ground = differs[~inked]
    strokes = int((np.diff(inked.any(axis=0).astype(np.int8)) == 1).sum())
    return bool(
        _LEAST < inked.mean() < _MOST
        and strokes >= _STROKES
        and ground.std() < _EVEN * max(1.0, float(np.percentile(differs, 99)))
    )


def _inked(crop: Pixels) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    grey = crop.mean(axis=2)
    ground = np.median(np.concatenate((grey[0], grey[-1])))
    differs = np.abs(grey - ground)
    return differs > max(_NOISE, _INK * float(np.percentile(differs, 99))), differs
