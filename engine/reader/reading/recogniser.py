"""The text detector and recogniser: rapidocr's PP-OCRv6 models on onnxruntime.

Import this module only in the thread that reads: OpenCV and onnxruntime take most of a second to load.
"""

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidocr import RapidOCR
from rapidocr.inference_engine.onnxruntime.main import OrtInferSession
from rapidocr.main import RapidOCRError
from rapidocr.utils.process_img import map_boxes_to_original

from engine.reader.reading.lines import Corners, Line
from engine.reader.reading.prepare import Pixels

# The detector wants letters of some size and enlarges a picture whose short side is below this. A strip of a few lines
# has a short side and large letters: more than twice costs three times the work and finds no more. Nor may a long one
# take more than its share of memory.
_DETECTOR_SIDE = 736
_DETECTOR_TIMES = 2
_DETECTOR_AREA = 4_000_000
# A white strip warms the models as well as a page of three million pixels, to which the library would enlarge it.
_WARM_UP_SIDE = 64
# Lines per call: between calls a cancelled request can stop; smaller batches also pad less.
_BATCH = 6


class Recogniser:
    """Finds and reads the lines of one picture at a time; not thread-safe."""

    def __init__(self, threads: int) -> None:
        """`threads` is the number of cores that one picture may use."""
        _sessions._init_sess_opts = staticmethod(_session_options)
        self._ocr: Any = RapidOCR(
            params={
                "Global.use_cls": False,  # the line classifier turns good upright lines upside down
                "Global.use_preprocess_img": False,  # `prepare` chooses the size
                "Global.log_level": "critical",  # it warns of each picture without text
                "Det.limit_side_len": _WARM_UP_SIDE,  # until the first picture, which brings its own
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def warm_up(self) -> None:
        """Load both models and run each once."""
        self._ocr(np.full((_WARM_UP_SIDE, 320, 3), 255, np.uint8))
        self._ocr.recognize_txt([np.full((48, 320, 3), 255, np.uint8)])

    def read(self, pixels: Pixels, progress: Callable[[int, int], None]) -> list[Line]:
        """Return every line found in `pixels`, in the detector's order, with any confidence.

        `progress` is called with (lines read, lines found) before the first batch and after each; what it raises stops
        the reading.
        """
        boxes, crops = self._detect(pixels)
        total = len(crops)
        progress(0, total)
        texts: list[tuple[str, float]] = [("", 0.0)] * total
        # Lines of like shape go together: a batch is padded to its widest line.
        order = sorted(range(total), key=lambda index: crops[index].shape[1] / crops[index].shape[0])
        for start in range(0, total, _BATCH):
            batch = order[start : start + _BATCH]
            result = self._ocr.recognize_txt([crops[index] for index in batch])
            for index, text, score in zip(batch, result.txts, result.scores, strict=True):
                texts[index] = (text, float(score))
            progress(min(start + _BATCH, total), total)
        return [Line(text, score, corners) for corners, (text, score) in zip(boxes, texts, strict=True) if text.strip()]

    def _detect(self, pixels: Pixels) -> tuple[list[Corners], list[Pixels]]:
        height, width = pixels.shape[:2]
        times = max(1.0, min(_DETECTOR_TIMES, sqrt(_DETECTOR_AREA / (width * height))))
        self._ocr.text_det.limit_side_len = min(_DETECTOR_SIDE, int(min(height, width) * times))
        image, record = self._ocr.preprocess_img(pixels)
        try:
            crops, found = self._ocr.detect_and_crop(image, record)
        except RapidOCRError:  # no text anywhere
            return [], []
        return [_corners(box) for box in map_boxes_to_original(found.boxes, record, height, width)], crops


_sessions: Any = OrtInferSession
_library_options: Any = OrtInferSession._init_sess_opts


def _session_options(config: Any) -> Any:
    """The library's options, with what it has no setting for."""
    options = _library_options(config)
    # A thread that has nothing to do for a moment would wait for more by running in circles, on a core that the page,
    # or whoever else is there, could use.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _corners(box: NDArray[np.float32]) -> Corners:
    start, end, below_end, below_start = ((float(x), float(y)) for x, y in box)
    return start, end, below_end, below_start
