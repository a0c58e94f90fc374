"""`./start.sh eval ocr` on the real reader."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path

from rich.console import Console

from engine.measure.accuracy import command
from engine.measure.accuracy.command import Asked
from engine.measure.accuracy.sets import MANIFEST, OUR_PICTURES
from engine.measure.running_engine import ask_about
from engine.plans.launch import LaunchPlan
from tests.ocr.reader import running_reader

PICTURES = ("card-zh.webp", "settings-en.png")


def test_the_reader_is_measured_and_a_false_text_is_noticed(tmp_path: Path) -> None:
    ours, false = tmp_path / "ours", tmp_path / "false"
    texts = json.loads((OUR_PICTURES / MANIFEST).read_text())
    for folder in (ours, false):
        folder.mkdir()
        for name in PICTURES:
            shutil.copy(OUR_PICTURES / name, folder)
        found = {name: texts[name] if folder == ours else "quite another text" for name in PICTURES}
        (folder / MANIFEST).write_text(json.dumps(found))
    (tmp_path / "uploads").mkdir()
    with running_reader(tmp_path / "uploads") as url:
        plan = LaunchPlan(engine="reader", model="reader", served_name="reader", base_url=url, pictures="data")
        here, said = ask_about(plan, "none"), StringIO()
        console = Console(file=said, width=120)
        right, wrong = (
            command.evaluate(here, Asked("ocr", data), tmp_path / "eval", console) for data in (ours, false)
        )
    assert [score.name for score in right.scores] == ["character error rate", "word error rate"]
    assert right.scores[0].value < 5
    assert wrong.scores[0].value > 50
    assert (right.items, right.of) == (2, 2)
    # The reader is gone: a repeated command has all its answers.
    again = command.evaluate(here, Asked("ocr", ours), tmp_path / "eval", console)
    assert again.scores == right.scores
    assert "character error rate" in said.getvalue()
