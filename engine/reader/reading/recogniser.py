"""The text detector and recogniser: rapidocr's PP-OCRv6 models on onnxruntime.

Import this module only in the thread that reads: OpenCV and onnxruntime take most of a second to load.
"""

from collections.abc import Callable
from dataclasses import replace
from math import sqrt
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rapidocr import RapidOCR
from rapidocr.inference_engine.onnxruntime.main import OrtInferSession
from rapidocr.utils.process_img import apply_vertical_padding, get_rotate_crop_image, map_boxes_to_original

from engine.reader.reading import gutters, ink
from engine.reader.reading.decoding import decode, misses_ink, with_inverted_mark
from engine.reader.reading.detection import find_boxes
from engine.reader.reading.lines import LEAST_SCORE, Corners, Line
from engine.reader.reading.prepare import Pixels

# The detector wants letters of some size and enlarges a picture whose short side is below this. A strip of a few lines
# has a short side and large letters: more than twice costs three times the work and finds no more. Nor may a long one
# take more than its share of memory.
_DETECTOR_SIDE = 736
_DETECTOR_TIMES = 2
_DETECTOR_AREA = 4_000_000
# A white strip warms the models as well as a page of three million pixels, to which the library would enlarge it.
_WARM_UP_SIDE = 64
# Lines between two reports of progress, at which a cancelled request stops.
_STEP = 6
# The narrowest strip that the recogniser was trained on, in its heights.
_LEAST_SHAPE = 320 / 48


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
        """Return every line found in `pixels`, with any confidence; also those without a letter.

        `progress` is called with (lines read, lines found) before the first line and after every few; what it raises
        stops the reading.
        """
        found_boxes = find_boxes(self._detect, pixels)
        boxes = gutters.split(found_boxes, [_crop(pixels, box) for box in found_boxes])
        total = len(boxes)
        progress(0, total)
        found = []
        for done, box in enumerate(boxes, 1):
            found.append(self._recognise(box, _crop(pixels, box)))
            if done % _STEP == 0 or done == total:
                progress(done, total)
        return found

    def _detect(self, pixels: Pixels, size: float) -> list[Corners]:
        height, width = pixels.shape[:2]
        if size < 1:
            image = cv2.resize(pixels, None, fx=size, fy=size, interpolation=cv2.INTER_AREA)
            side = 1.0
        else:
            image = pixels
            times = max(1.0, min(_DETECTOR_TIMES, sqrt(_DETECTOR_AREA / (width * height))))
            side = min(_DETECTOR_SIDE, min(height, width) * times)
        self._ocr.text_det.limit_side_len = int(side)
        padded, record = apply_vertical_padding(image, {}, self._ocr.width_height_ratio, self._ocr.min_height)
        boxes = self._ocr.text_det(padded).boxes
        if boxes is None:
            return []
        return [_corners(box / size) for box in map_boxes_to_original(boxes, record, *image.shape[:2])]

    def _recognise(self, box: Corners, crop: Pixels) -> Line:
        # One line at a time: in a batch each is padded to the widest, which costs more than calls do, and spaces.
        height, width = crop.shape[:2]
        shape = max(_LEAST_SHAPE, width / height)
        reader = self._ocr.text_rec
        [likely] = reader.session(reader.resize_norm_img(crop, shape)[np.newaxis])
        decoded = decode(likely, reader.postprocess_op.character)
        decoded = replace(decoded, places=decoded.places * shape * height / width)  # of the strip without its padding
        marked = ink.columns(crop)
        places = np.flatnonzero(marked)
        return Line(
            with_inverted_mark(decoded.text.strip(), marked, height),
            decoded.score,
            box,
            (float(places[0]), float(places[-1]) + 1) if len(places) else None,
            (decoded.score < LEAST_SCORE or misses_ink(decoded, marked, height)) and ink.is_writing(crop),
        )


_sessions: Any = OrtInferSession
_library_options: Any = OrtInferSession._init_sess_opts


def _session_options(config: Any) -> Any:
    """The library's options, with what it has no setting for."""
    options = _library_options(config)
    # A thread that has nothing to do for a moment would wait for more by running in circles, on a core that the page,
    # or another process, could use.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _crop(pixels: Pixels, box: Corners) -> Pixels:
    cut: Pixels = get_rotate_crop_image(pixels, np.array(box, np.float32))
    return cut


def _corners(box: NDArray[np.float32]) -> Corners:
    start, end, below_end, below_start = ((float(x), float(y)) for x, y in box)
    return start, end, below_end, below_start
