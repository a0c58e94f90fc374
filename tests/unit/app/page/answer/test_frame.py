"""Buttons as Chainlit sends them, and as its front end, patched, reads them."""

from __future__ import annotations

from app.frontend.patches import PATCHES
from app.page.answer.buttons import BUTTONS, offer
from app.page.answer.frame import action_of


def test_the_front_end_learns_which_buttons_work_while_a_turn_runs() -> None:
    assert sum("payload.whileRunning" in patch.new for patch in PATCHES) == 2
    for button in BUTTONS.values():
        payload = action_of(offer(button.name, "turn", "en")).payload
        assert payload == {"turn": "turn", "whileRunning": button.while_running}
