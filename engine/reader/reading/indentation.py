"""How far the lines of code are indented: a program or a YAML file means nothing without it."""

from __future__ import annotations

from statistics import median

from engine.reader.reading.lines import Line

# Letters of one width are what code is set in: lines of so many letters, how many of them, and how much the width of a
# letter may differ from line to line, since a lost space counts as well.
_LETTERS, _LINES, _DIFFERS, _MOSTLY = 8, 3, 0.08, 0.7
# An indentation is a whole number of letters, nearly, and no more than a screen's half.
_WHOLE, _MOST = 0.35, 40


def indents(rows: list[list[Line]]) -> list[int]:
    """Return by how many spaces each row is indented; none is, unless all is set in letters of one width."""
    none = [0] * len(rows)
    width = _letter_width(rows)
    if width is None:
        return none
    begin = min(row[0].text_left for row in rows)
    steps = [(row[0].text_left - begin) / width for row in rows]
    fitting = [abs(step - round(step)) < _WHOLE for step in steps if step > 1]
    if not fitting or sum(fitting) < _MOSTLY * len(fitting) or max(steps) > _MOST:
        return none
    pairs = sum(round(step) % 2 == 0 for step in steps) >= _MOSTLY * len(steps)  # nobody indents by one or three
    return [2 * round(step / 2) if pairs else round(step) for step in steps]


def _letter_width(rows: list[list[Line]]) -> float | None:
    """Return the width of a letter in pixels; None where letters are not all of one width."""
    lines = [row[0] for row in rows if len(row) == 1 and len(row[0].text) >= _LETTERS and row[0].text.isascii()]
    if len(lines) < _LINES or len(lines) < len(rows) / 3:
        return None
    # A letter is narrower than the room it has: by so much the last one ends before its room does.
    widths = [line.text_length / (len(line.text) - 0.4) for line in lines]
    usual = median(widths)
    alike = sum(abs(width - usual) < _DIFFERS * usual for width in widths)
    return usual if alike >= _MOSTLY * len(widths) else None
