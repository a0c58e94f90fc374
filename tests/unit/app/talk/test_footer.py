"""The line below an answer is made when it is shown, in the user's current language."""

import pytest

from app.i18n import LANGUAGES, Language
from app.talk.conversation import Answer, Ending
from app.talk.figures import Figures, Usage
from app.talk.footer import footer_line

FIGURES = Figures("kimi-vl", 0.254, 2.0, Usage(1234, 101, 40), "stop")


@pytest.mark.parametrize(
    ("answer", "english", "chinese"),
    [
        (
            Answer(ending="stop", figures=FIGURES),
            "kimi-vl · first token 0.25 s · 50 tokens/s · 1,234 tokens in, 101 out",
            "kimi-vl · 首个词元 0.25 秒 · 50 词元/秒 · 输入 1,234 词元，输出 101 词元",
        ),
        (
            Answer(ending="stop", figures=Figures("reader", 0.254, 2.0, Usage(0, 604), characters=True)),
            "reader · 2.3 s",
            "reader · 2.3 秒",
        ),
        (Answer(ending="length", figures=Figures("m")), "token limit reached · m", "已达到最大词元数 · m"),
        (Answer(ending="stopped"), "stopped", "已停止"),
        (Answer(ending="error"), "interrupted", "已中断"),
        (Answer(ending="stop"), "", ""),
        (Answer(), "", ""),
    ],
)
def test_a_line_in_each_language(answer: Answer, english: str, chinese: str) -> None:
    assert (footer_line(answer, "en"), footer_line(answer, "zh")) == (english, chinese)


@pytest.mark.parametrize("ending", ["stop", "stopped"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answer_of_an_earlier_version_keeps_its_line(language: Language, ending: Ending) -> None:
    assert footer_line(Answer(ending=ending, line="stopped · kimi"), language) == "stopped · kimi"


def test_figures_count_more_than_an_old_line() -> None:
    assert footer_line(Answer(ending="stop", line="kimi", figures=Figures("new")), "en") == "new"


@pytest.mark.parametrize(
    "figures",
    [
        Figures("m"),
        Figures("m", writing=1.0),
        Figures("m", writing=1.0, usage=Usage(1, 1)),
        Figures("m", usage=Usage(1, 9)),
        Figures("m", writing=0.01, usage=Usage(1, 300)),
    ],
)
def test_too_little_for_a_rate(figures: Figures) -> None:
    assert figures.tokens_per_second is None


def test_a_model_may_be_called_anything() -> None:
    assert Figures("m\ud800" * 1000).model == "m\ufffd" * 250
