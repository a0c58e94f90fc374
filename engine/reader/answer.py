"""The answer to a question from what was read."""

from engine.reader.reading import Reading
from engine.reader.texts import Language, say


def fenced(lines: list[str]) -> str:
    """Return `lines` as a Markdown code block whose fence is longer than any in the text."""
    fence = "```"
    while any(fence in line for line in lines):
        fence += "`"
    return "\n".join([fence, *lines, fence])


def compose(readings: list[Reading], lang: Language) -> str:
    """Return the transcript of each picture."""
    return "\n\n".join(fenced(reading.texts) if reading.rows else say("no_text", lang) for reading in readings)
