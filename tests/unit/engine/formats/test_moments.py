"""Names and captions of a video's frames."""

import pytest

from engine.formats.moments import caption, clock, frame_name, moment_in


@pytest.mark.parametrize(("seconds", "time"), [(0, "0:00"), (12.9, "0:12"), (75, "1:15"), (3723, "1:02:03")])
def test_a_frames_time_is_in_its_name_and_in_its_caption(seconds: float, time: str) -> None:
    assert clock(seconds) == time
    name = frame_name("clip.mp4", seconds)
    assert name == f"clip.mp4 · {time}"
    assert moment_in(caption(name)) == time


def test_other_names_and_texts_have_no_time() -> None:
    assert caption("clip.mp4") == ""
    assert caption("page.png (2)") == ""
    assert moment_in("What happens at 0:12?") == ""
    assert moment_in("Frame at 0:12: what is it?") == ""


def test_a_long_name_keeps_its_time() -> None:
    assert len(frame_name("a" * 200, 12)) < 80
