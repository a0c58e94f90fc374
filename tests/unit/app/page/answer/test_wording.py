"""What the page says about a turn."""

from app.page.answer import wording
from app.talk.conversation import Answer
from app.turn.faults import explain
from app.upstream.state import EngineFailedError
from engine.status import Reason
from tests.instruments.answers import parts_of


def test_why_an_engine_failed_is_shown_in_the_persons_language() -> None:
    fault = explain(EngineFailedError(Reason("answers_nothing")))
    assert fault.retry
    assert "answered no question" in wording.fault(fault, "en", admin=True)
    assert "不回答任何问题" in wording.fault(fault, "zh", admin=True)


def test_reasoning_without_an_ending_is_not_called_stopped() -> None:
    assert wording.no_answer(Answer(parts_of("so")), "en") == "No answer yet."
    assert wording.no_answer(Answer(parts_of("so"), "stopped"), "en") == "Stopped before the answer began."


def test_an_engine_that_failed_without_a_reason_has_a_whole_sentence() -> None:
    fault = explain(EngineFailedError(None))
    assert wording.fault(fault, "en") == "The engine is not running. Press Retry to restart it."
    assert wording.fault(fault, "zh") == "引擎未能运行。请点击“重试”以重新启动。"


def test_the_reader_reads_and_does_not_think() -> None:
    assert wording.thought(2.4, False, "en") == "Thought for 2 s"
    assert wording.thought(2.4, False, "en", reads=True) == "Read in 2 s"
    assert wording.thought(None, False, "en", reads=True) == wording.thinks("en", reads=True) == "Reading"
    assert wording.thought(1.0, True, "zh", reads=True) == "读取（已停止）"
