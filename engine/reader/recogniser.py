"""Finds lines of text in a picture: rapidocr with the models of its own wheel, which need no network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidocr import RapidOCR
from rapidocr.utils.output import RapidOCROutput

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Line:
    """A line of text: `score` from 0 to 1, `box` its corners in pixels, shape (4, 2), clockwise from the top left."""

    text: str
    score: float
    box: NDArray[np.float64]


class Recogniser:
    """Not safe for threads: one picture at a time."""

    def __init__(self, threads: int) -> None:
        self._ocr = RapidOCR(
            params={
                "Global.log_level": "critical",
                # Its classifier of upside-down lines turns good upright lines over.
                "Global.use_cls": False,
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def warm_up(self) -> None:
        """Loads the models and runs them once, so that the first question does not wait for that."""
        stripe = np.full((64, 256, 3), 255, np.uint8)
        stripe[24:40, 16:240] = 0
        self.read(stripe)

    def read(self, pixels: Pixels) -> list[Line]:
        """The lines of a picture, shape (height, width, 3), in the order of the detector."""
        found = self._ocr(np.ascontiguousarray(pixels[:, :, ::-1]))  # it wants BGR
        if not isinstance(found, RapidOCROutput) or found.txts is None or found.boxes is None or found.scores is None:
            return []
        return [
            Line(text, float(score), np.asarray(box, np.float64))
            for text, score, box in zip(found.txts, found.scores, found.boxes, strict=True)
        ]
