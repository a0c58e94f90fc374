"""Every button has its words in every language."""

from typing import get_args

import pytest

from app.i18n import LANGUAGES
from app.page import wording
from app.turn.faults import explain
from app.upstream.state import EngineFailedError
from engine.status import Reason


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", get_args(wording.Button))
def test_every_button_has_a_label_and_a_hint(name: wording.Button, language: str) -> None:
    button = wording.button(name, "turn", language)  # type: ignore[arg-type]
    assert button.label or button.icon
    assert button.tooltip


def test_why_an_engine_failed_is_said_in_the_persons_language() -> None:
    fault = explain(EngineFailedError(Reason("answers_nothing")))
    assert fault.retry
    assert "answered no question" in wording.fault(fault, "en")
    assert "不回答任何问题" in wording.fault(fault, "zh")
