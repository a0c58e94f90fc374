"""Which of a chat's pictures an answer is about, and where in them."""

from __future__ import annotations

from app.talk.conversation import Answer, Picture
from app.talk.places import PicturePlaces, Place, box
from app.talk.seen import places_of
from tests.instruments.answers import parts_of

A, B, C = (Picture(f"/uploads/thread/{letter * 64}.png", f"{letter}.png", 640, 480) for letter in "abc")
TOTAL = Place("Total", box(0.1, 0.2, 0.3, 0.4))


def test_what_an_engine_has_read_is_in_any_picture_of_the_chat_that_is_still_there() -> None:
    read = [PicturePlaces(f"{letter * 64}.png", [TOTAL]) for letter in "cad"]
    # The numbers in a text that was read are no places.
    answer = Answer(parts_of(text="[0.1, 0.1, 0.2, 0.2]"), places=read)
    assert places_of(answer, [[A], [B, C]]) == [(C, [TOTAL]), (A, [TOTAL])]
    assert places_of(answer, []) == []


def test_a_model_points_at_the_pictures_of_the_last_question_with_any() -> None:
    answer = Answer(
        parts_of("so [0.5, 0.5, 0.6, 0.6]", "Total: [0.1, 0.2, 0.3, 0.4], in picture 1 [0.1, 0.2, 0.3, 0.4]")
    )
    assert places_of(answer, [[A], [B, C]]) == [(C, [TOTAL]), (B, [Place("in picture 1", TOTAL.shape)])]
    assert places_of(answer, []) == []
    assert places_of(Answer(parts_of(text="A sign.")), [[A]]) == []
