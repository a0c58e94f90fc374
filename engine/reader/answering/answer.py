"""The answer to a question from what was read: the lines that match, then the whole text."""

from collections.abc import Callable
from dataclasses import replace

from engine.reader.answering import tables
from engine.reader.answering.markdown import escaped, fenced
from engine.reader.answering.matching import best_rows, is_weak, largest_rows
from engine.reader.answering.question import Question, understand
from engine.reader.answering.texts import Language, say
from engine.reader.reading.read import Reading

# A picture with no more lines than are quoted is quoted whole where no line matches better than the others.
_MOST = 3
# A transcript of more lines that follows quotes gets this language, by which the page folds it (public/code.js).
_MANY, _FOLDED = 12, "transcript"


def compose(asked: str, readings: list[Reading], headings: list[str], lang: Language, *, follow_up: bool) -> str:
    """Return the answer in Markdown; each of several pictures has its heading.

    The best lines are quoted, at most three a picture; then comes each picture's text in a code block, but not again in
    a follow-up question, unless all the text is what it asks for.
    """
    question = understand(asked)
    if question.table and any(reading.tables for reading in readings):
        return "\n\n".join(_each(readings, headings, lang, lambda reading, _: _tables(question, reading, lang)))
    if question.everything or (question.small_talk and not follow_up):
        return "\n\n".join(_each(readings, headings, lang, _transcript))
    parts = _quotes(question, readings, headings, lang)
    if follow_up:
        return "\n\n".join(parts) or say("no_text", lang)
    return "\n\n".join([*parts, *_each(readings, headings, lang, _below if parts else _transcript)])


def page_of(asked: str, reading: Reading, heading: str, lang: Language, *, follow_up: bool) -> str | None:
    """Return the part of the answer that `compose` would give for one of several pictures, or for a single one.

    None where the answer needs all pictures, as quotes do.
    """
    question = understand(asked)
    if question.table or not (question.everything or (question.small_talk and not follow_up)):
        return None
    return (heading + "\n\n" if heading else "") + _transcript(reading, lang)


def _quotes(question: Question, readings: list[Reading], headings: list[str], lang: Language) -> list[str]:
    """Return the quotes of each picture, or the sentence that there are none."""
    if not any(reading.rows for reading in readings):
        return []
    if question.scene:  # unless its words stand in the picture; a thing of the kind that it asks for is no answer
        question = replace(question, kinds=())
    found = [_best(question, reading) for reading in readings]
    if question.scene and not any(found):
        return [say("no_scene", lang)]
    lead = []
    if question.table:
        lead = [say("no_table", lang)]
    elif not any(found):
        lead = [say("no_match", lang)]
        found = [[reading.texts[index] for index in largest_rows(list(reading.rows), _MOST)] for reading in readings]
    elif all(is_weak(question, list(reading.rows), reading.tables) for reading in readings):
        lead = [say("weak_match", lang)]
    parts = ["\n".join(map(_quote, quotes)) for quotes in found]
    if len(readings) == 1:
        return [*lead, *filter(None, parts)]
    # Several pictures are compared by their own quotes: one that has none is not passed over.
    named = zip(headings, parts, strict=True)
    return [*lead, *(f"{name}\n\n{part or say('no_match', lang)}" for name, part in named)]


def _best(question: Question, reading: Reading) -> list[str]:
    if question.column is not None and reading.tables:
        rows = reading.tables[0].rows
        if -1 <= question.column < len(rows[0]):
            return [" | ".join(filter(None, (row[question.column] for row in rows)))]
    return [reading.texts[index] for index in best_rows(question, list(reading.rows), reading.tables, _MOST)]


def _quote(text: str) -> str:
    return f"> {escaped(text)}  "  # two spaces: the next quote is on a line of its own


def _each(
    readings: list[Reading], headings: list[str], lang: Language, show: Callable[[Reading, Language], str]
) -> list[str]:
    if len(readings) == 1:
        return [show(readings[0], lang)]
    return [f"{heading}\n\n{show(reading, lang)}" for heading, reading in zip(headings, readings, strict=True)]


def _tables(question: Question, reading: Reading, lang: Language) -> str:
    show = tables.as_csv if question.table == "csv" else tables.markdown
    return "\n\n".join(map(show, reading.tables)) or _transcript(reading, lang)


def _below(reading: Reading, lang: Language) -> str:
    """Return the transcript below quotes; the page folds a long one."""
    return _transcript(reading, lang, _FOLDED if len(reading.rows) > _MANY else "")


def _transcript(reading: Reading, lang: Language, kind: str = "") -> str:
    if reading.seconds_over:
        return say("too_slow", lang, seconds=reading.seconds_over)
    parts = [fenced(_lines(reading), kind)] if reading.rows else []
    if reading.foreign:
        parts.append(say("foreign", lang))
    return "\n\n".join(parts) or say("no_text", lang)


def _lines(reading: Reading) -> list[str]:
    """Return the text line by line, code indented and the columns of tables below each other."""
    lines: list[str] = []
    done = 0
    for table in reading.tables:
        lines += [row.indented for row in reading.rows[done : table.first]]
        lines += tables.aligned([list(row) for row in table.rows])
        done = table.last + 1
    return lines + [row.indented for row in reading.rows[done:]]
