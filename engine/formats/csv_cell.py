"""Cells of CSV files, which spreadsheets open and run."""

import re

_FORMULA = re.compile(r"[=＝@＠\t\r]|[-+](?!\s?[$¥€£]?[\d.,\s]*(?:e[-+]?\d+)?\s?[%‰$¥€£元]?$)", re.IGNORECASE)
"""What a spreadsheet would run. A sign before a number, also of money or a share, is none.

public/code.js has the same pattern.
"""


def without_formula(cell: str) -> str:
    """The cell, with an apostrophe before it if a spreadsheet would run it as a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell
