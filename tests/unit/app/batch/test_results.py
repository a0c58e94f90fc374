"""What a batch writes, and what it remembers when it was interrupted."""

import csv
import io
import json
import os
from pathlib import Path

import pytest

from app.batch.output import Output, OutputError
from app.batch.results import Journal, Result, Source, rendered

GOOD = Result(Source("/in/a.png", 10, 7, ""), 1, "TEA\nHOUSE", "", [], 0.5, "reader")
BAD = Result(Source("/in/b.png", 0, 7, ""), error="b.png is empty.")


def cells(answer: str) -> str:
    [row] = csv.DictReader(io.StringIO(rendered([Result(GOOD.source, answer=answer)], "csv").decode("utf-8-sig")))
    return row["answer"]


@pytest.mark.parametrize("answer", ["=HYPERLINK(1)", "+A1", "-A1+2", "@SUM(1)", "\t=1"])
def test_no_spreadsheet_runs_an_answer(answer: str) -> None:
    assert cells(answer) == f"'{answer}"


@pytest.mark.parametrize("answer", ["-12.50", "+49 30 1234", "-5 %", "Total = 5", "茶"])
def test_numbers_and_text_stay_as_they_are(answer: str) -> None:
    assert cells(answer) == answer


def test_json_lines_and_markdown_have_every_file() -> None:
    lines = [json.loads(line) for line in rendered([GOOD, BAD], "jsonl").splitlines()]
    assert [(line["file"], line["answer"], line["error"]) for line in lines] == [
        ("/in/a.png", "TEA\nHOUSE", ""),
        ("/in/b.png", "", "b.png is empty."),
    ]
    text = rendered([GOOD, BAD], "md").decode()
    assert text == "## /in/a.png\n\nTEA\nHOUSE\n\n## /in/b.png\n\n*b.png is empty.*\n"


def test_the_journal_survives_a_line_that_was_cut_off(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.add(BAD)
    journal.add(GOOD)
    with journal.path.open("ab") as file:
        file.write(b'\n{"source": {"fi')
    later = Result(BAD.source, answer="now it works")
    journal.add(later)
    assert journal.read() == {GOOD.source: GOOD, BAD.source: later}


def test_a_name_that_is_no_text_is_written_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    path.write_bytes(b"x")
    journal = Journal(tmp_path / "journal")
    journal.add(Result(Source.of(path, "")))
    [result] = journal.read().values()
    assert result.source.file.endswith("caf\N{REPLACEMENT CHARACTER}.png")


def test_results_are_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    with Output(path) as output:
        output.write([BAD], complete=False)
        with pytest.raises(OutputError, match="Another batch is writing"), Output(path):
            pass
    with Output(path) as output:
        output.write([GOOD], complete=True)
    with pytest.raises(OutputError, match=r"out\.csv exists already"), Output(path):
        pass
