"""The models' sessions are configured beyond what the library offers."""

from __future__ import annotations

import numpy as np


def test_threads_without_work_leave_their_core_to_others() -> None:
    from engine.reader.reading.recogniser import Recogniser

    recogniser = Recogniser(1)
    recogniser.warm_up()
    for part in (recogniser._ocr.text_det, recogniser._ocr.text_rec):
        options = part.session.session.get_session_options()
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
        assert options.intra_op_num_threads == 1
    assert recogniser.read(np.full((64, 320, 3), 255, np.uint8), lambda done, total: None) == []
