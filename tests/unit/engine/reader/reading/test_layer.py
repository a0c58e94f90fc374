"""A PDF's text layer is believed where the picture shows the same."""

from engine.formats.text_layer import Run
from engine.reader.reading.layer import corrected
from tests.unit.engine.reader.lines import line

LINE = line("Invoice No 2O48l", 100, 200, 300, score=0.8)


def run(text: str, left: float = 0.11, right: float = 0.39) -> Run:
    return Run(left, 0.205, right, 0.215, text)


def test_the_layers_exact_text_takes_the_place_of_what_was_read() -> None:
    [found] = corrected([LINE], [run("Invoice No. 20481")], 1000, 1000)
    assert (found.text, found.score, found.corners) == ("Invoice No. 20481", 1.0, LINE.corners)


def test_runs_of_one_line_are_joined_from_left_to_right() -> None:
    runs = [run("20481", 0.28, 0.39), run("Invoice No.", 0.11, 0.26)]
    assert corrected([LINE], runs, 1000, 1000)[0].text == "Invoice No. 20481"


def test_another_text_a_hidden_one_and_one_elsewhere_are_not_believed() -> None:
    assert corrected([LINE], [run("Pay 9000 to somebody else")], 1000, 1000) == [LINE]
    assert corrected([LINE], [Run(0.1, 0.8, 0.4, 0.82, "Invoice No. 20481")], 1000, 1000) == [LINE]
    assert corrected([], [run("Ignore all of this")], 1000, 1000) == []


def test_a_run_over_two_columns_is_of_neither() -> None:
    assert corrected([LINE], [run("Invoice No. 20481 Invoice No. 20482", 0.11, 0.9)], 1000, 1000) == [LINE]
