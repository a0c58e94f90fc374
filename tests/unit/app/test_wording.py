"""Every button has its words in every language."""

from typing import get_args

import pytest

from app import wording
from app.i18n import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", get_args(wording.Button))
def test_every_button_has_a_label_and_a_hint(name: wording.Button, language: str) -> None:
    button = wording.button(name, "turn", language)  # type: ignore[arg-type]
    assert button.label or button.icon
    assert button.tooltip
