"""A table as Markdown, as CSV, and with its columns below each other in plain text."""

from __future__ import annotations

import csv
import io
import unicodedata

from engine.formats.csv_cell import without_formula
from engine.reader.answering.markdown import escaped, fenced
from engine.reader.reading.tables import Table


def markdown(table: Table) -> str:
    """Return the table in GitHub's Markdown; its first row is the head."""
    head, *body = [[_cell(cell) for cell in row] for row in table.rows]
    rows = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def as_csv(table: Table) -> str:
    """Return the table as a code block of comma-separated values; a cell like a formula begins with an apostrophe."""
    file = io.StringIO()
    rows = [[without_formula(cell) for cell in row] for row in table.rows]
    csv.writer(file, lineterminator="\n").writerows(rows)
    return fenced(file.getvalue().splitlines(), "csv")


def aligned(cells: list[list[str]]) -> list[str]:
    """Return rows of cells as lines of text in which the columns are aligned."""
    widths = [max(_width(row[column]) for row in cells) for column in range(len(cells[0]))]
    return [
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def _cell(text: str) -> str:
    return escaped(text).replace("|", r"\|")


def _width(text: str) -> int:
    """Return the columns that `text` takes in letters of one width: two for a Chinese one."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
