"""What the page says about a turn."""

from app.i18n import text
from app.page.answer import wording
from app.turn.faults import explain
from app.upstream.state import EngineFailedError
from engine.status import ANSWERS_NOTHING


def test_an_engine_that_answers_nothing_is_told_in_the_persons_language() -> None:
    assert wording.phase(ANSWERS_NOTHING, "en") == ANSWERS_NOTHING
    assert "不回答任何问题" in wording.phase(ANSWERS_NOTHING, "zh")
    fault = explain(EngineFailedError(ANSWERS_NOTHING))
    assert fault.retry
    assert "answered no question" in text(fault.key, "en", **fault.values)
    assert "不回答任何问题" in text(fault.key, "zh", **fault.values)
