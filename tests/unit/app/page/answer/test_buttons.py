"""The table of buttons: each has a label in every language, and a turn has the buttons that fit it."""

from __future__ import annotations

from typing import get_args

import pytest

from app.i18n import LANGUAGES, Language
from app.page.answer.buttons import BUTTONS, LONG_ANSWER, Name, below, below_answer, offer, to_versions
from app.talk.conversation import Answer, Picture, Turn
from app.talk.figures import Figures
from tests.instruments.answers import parts_of


def test_the_table_has_every_button() -> None:
    assert set(BUTTONS) == set(get_args(Name))


def test_buttons_that_ask_the_engine_are_disabled_while_it_answers() -> None:
    assert not [button.name for button in BUTTONS.values() if button.while_running and button.asks_engine]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", get_args(Name))
def test_every_button_has_a_label_and_a_hint(name: Name, language: Language) -> None:
    button = offer(name, "turn", language)
    assert button.label or button.button.icon
    assert button.hint


@pytest.mark.parametrize(
    ("ending", "text", "names"),
    [
        ("stop", "short", ["regenerate"]),
        ("stopped", "short", ["continue", "regenerate"]),
        (None, "cut off by a crash", ["continue", "regenerate"]),
        ("length", "x" * (LONG_ANSWER + 1), ["continue", "regenerate", "download"]),
    ],
)
def test_an_answer_has_the_buttons_of_its_ending(ending: str | None, text: str, names: list[str]) -> None:
    turn = Turn("turn", "question")
    answer = Answer(parts_of(text=text))
    answer.ending = ending  # type: ignore[assignment]
    turn.answers.append(answer)
    assert [made.button.name for made in below_answer(turn, answer, "en")] == names


def test_an_answer_of_the_reader_can_be_asked_of_the_vision_model() -> None:
    turn = Turn("turn", "question")
    for model in ("reader", "Kimi-VL-A3B-Thinking"):
        turn.answers.append(Answer(parts_of(text="A"), "stop", figures=Figures(model)))
    names = [[one.button.name for one in below_answer(turn, answer, "en")] for answer in turn.answers]
    assert names == [["ask_vision", "regenerate", "next"], ["regenerate", "previous"]]


def test_answers_are_compared_once_there_are_two_or_the_question_has_two_versions() -> None:
    answers = [Answer(parts_of(text="A"), "stop"), Answer(parts_of(text="B"), "stop")]
    for count, place, offered in ((1, (1, 1), 0), (2, (1, 1), 1), (1, (2, 2), 1), (2, (1, 2), 1)):
        made = below(Turn("turn", "question", answers=answers[:count]), answers[0], place, "en")
        assert [one.button.name for one in made].count("compare") == offered


def test_an_answer_that_points_into_a_picture_can_be_shown_there() -> None:
    picture = Picture(f"/uploads/thread/{'a' * 64}.png", "a.png", 640, 480)
    answer = Answer(parts_of(text="The button is at [0.1, 0.2, 0.3, 0.4]."), "stop")
    turn = Turn("turn", "q", [picture], [answer], 0)
    assert [one.button.name for one in below(turn, answer, (1, 1), "en", [[picture]])] == ["show_places", "regenerate"]
    assert [one.button.name for one in below(turn, answer, (1, 1), "en")] == ["regenerate"]


def test_the_one_in_the_middle_leads_both_ways() -> None:
    turn = Turn("turn", "question")
    turn.answers += [Answer(parts_of(text=str(n))) for n in range(3)]
    for answer in turn.answers:
        answer.ending = "stop"
    made = below_answer(turn, turn.answers[1], "en")[1:]
    assert [(one.button.name, one.label[-5:]) for one in made] == [("previous", "(1/3)"), ("next", "(3/3)")]
    assert [one.button.name for one in to_versions("turn", (1, 2), "en")] == ["later_question"]
    assert [one.button.name for one in to_versions("turn", (2, 2), "en")] == ["earlier_question"]
    assert to_versions("turn", (1, 1), "en") == []
