"""Two answers beside each other."""

from __future__ import annotations

from app.page.answer.comparison import comparison, usual_pair, versions_of
from app.talk.conversation import Answer, Turn
from app.talk.figures import Figures, Usage
from tests.instruments.answers import parts_of

FIGURES = Figures("kimi", 0.5, 2.0, Usage(10, 5))
ASKED = Turn("a", "How much?", answers=[Answer(parts_of("hm", "3.50"), figures=FIGURES), Answer(parts_of(text="3.80"))])
EDITED = Turn("b", "How much is tea?", answers=[Answer(ending="stopped")])
UNANSWERED = Turn("c", "And?")


def test_the_answer_that_is_shown_is_compared_with_the_one_before_it() -> None:
    versions = versions_of([ASKED], "en")
    assert [version.label for version in versions] == ["Answer 1", "Answer 2"]
    ASKED.chosen = 1
    assert usual_pair(versions, ASKED) == (0, 1)
    ASKED.chosen = 0
    assert usual_pair(versions, ASKED) == (0, 1)
    shown = comparison(versions, (0, 1), "en")
    assert shown["places"] == 1
    assert [side["answer"] for side in shown["sides"]] == [[("3.50", True)], [("3.80", True)]]
    assert [side["question"] for side in shown["sides"]] == [[], []]
    assert shown["sides"][0]["figures"] == "kimi · first token 0.50 s · 2.0 tokens/s · 10 tokens in, 5 out · 2.5 s"


def test_answers_to_an_edited_question_are_shown_with_their_questions() -> None:
    versions = versions_of([ASKED, EDITED, UNANSWERED], "zh")
    assert [version.label for version in versions] == [
        "问题 1，回答 1", "问题 1，回答 2", "问题 2，回答 1", "问题 3，回答 1",
    ]  # fmt: skip
    assert usual_pair(versions, UNANSWERED) == (2, 3)
    shown = comparison(versions, (0, 2), "en")
    assert shown["sides"][1]["question"] == [("How much ", False), ("is tea", True), ("?", False)]
    assert shown["sides"][1]["answer"] == [("Stopped before the answer began.", True)]
    assert comparison(versions, (2, 3), "en")["sides"][1]["answer"][0].text.startswith("This question")
