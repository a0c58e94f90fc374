"""The answer to a question from what was read: the lines that match, then the whole text."""

import re
from collections.abc import Callable

from engine.reader.answering.matching import best_rows
from engine.reader.answering.question import understand
from engine.reader.answering.texts import Language, say
from engine.reader.reading.read import Reading


def compose(asked: str, readings: list[Reading], lang: Language, *, follow_up: bool) -> str:
    """Return the answer in Markdown.

    The best lines are quoted, at most three a picture; then comes each picture's text in a code block, but not again in
    a follow-up question, unless all the text is what it asks for.
    """
    question = understand(asked)
    if question.everything:
        return "\n\n".join(_each(readings, lang, _transcript))
    found = [best_rows(question, list(reading.rows)) for reading in readings]
    parts = []
    for number, (reading, best) in enumerate(zip(readings, found, strict=True), 1):
        if best:
            heading = say("of_picture", lang, number=number) + "\n\n" if len(readings) > 1 else ""
            parts.append(heading + "\n".join(_quote(reading.texts[index]) for index in best))
    if not parts and any(reading.rows for reading in readings):
        parts.append(say("no_match", lang))
    if follow_up:
        return "\n\n".join(parts) or say("no_text", lang)
    return "\n\n".join([*parts, *_each(readings, lang, _transcript)])


def fenced(lines: list[str]) -> str:
    """Return `lines` as a Markdown code block whose fence is longer than any run of backticks in the text."""
    fence = "```"
    while any(fence in line for line in lines):
        fence += "`"
    return "\n".join([fence, *lines, fence])


def escaped(text: str) -> str:
    """Return a line of text such that Markdown shows it as it is."""
    text = re.sub(r"([\\`*<\[~])|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", text)
    # At the start of a line these would make a heading, a list or a quote.
    return re.sub(r"^(#{1,6}(?=\s|$)|[-+>]|\d+(?=[.)]\s)(?=.))", _guarded, text)


def _guarded(mark: re.Match[str]) -> str:
    return mark[0] + "\\" if mark[0].isdigit() else "\\" + mark[0]


def _quote(text: str) -> str:
    return f"> {escaped(text)}  "  # two spaces: the next quote stands on a line of its own


def _each(readings: list[Reading], lang: Language, show: Callable[[Reading, Language], str]) -> list[str]:
    if len(readings) == 1:
        return [show(readings[0], lang)]
    return [say("of_picture", lang, number=n) + "\n\n" + show(reading, lang) for n, reading in enumerate(readings, 1)]


def _transcript(reading: Reading, lang: Language) -> str:
    if reading.seconds_over:
        return say("too_slow", lang, seconds=reading.seconds_over)
    parts = [fenced([row.indented for row in reading.rows])] if reading.rows else []
    if reading.foreign:
        parts.append(say("foreign", lang))
    return "\n\n".join(parts) or say("no_text", lang)
