"""Which rows of a picture answer a question best."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from math import log

from engine.reader.answering.question import Kind, Question, fold, has, terms_of
from engine.reader.reading.read import Row
from engine.reader.reading.rotation import cjk_share
from engine.reader.reading.tables import Table

# Each weight is in the unit of one shared rare word.
_VALUE = 0.6  # the row holds a thing of the kind asked for
_LABEL = 0.6  # the row names the thing asked for
_BOTH = 0.4  # "Total  $5.00": the name and the thing together
_LARGE = 1.5  # the largest letters, where a name or title is asked for,
_FIRST = 0.5  # and the place at the top
_NEXT = 0.5  # share of a row's words that counts for the next row: a label above its value, a sentence that runs on;
_BEFORE = 0.25  # and for the row before: a caption below its value
_BESIDE = 1.2  # for either of them where it is what the question asks for: "after the training", "之前"
_FUZZY = 0.8  # a word of four letters or more that is nearly the same: another ending, a letter misread
_LEAST = 0.5  # a row with less has nothing to do with the question,
_ALSO = 0.3  # but may be quoted after one that has


def best_rows(question: Question, rows: list[Row], tables: Sequence[Table] = (), most: int = 3) -> list[int]:
    """Return the indices of up to `most` rows that answer `question`, the best first; none where none matches."""
    if question.position is not None and -1 <= question.position < len(rows):
        return [question.position % len(rows)] if rows else []
    scores = score_rows(question, rows, tables)
    ranked = sorted(range(len(rows)), key=lambda index: (-scores[index], index))
    if not rows or scores[ranked[0]] < _LEAST:
        return []
    return [index for index in ranked[:most] if scores[index] >= _ALSO]


def is_weak(question: Question, rows: list[Row], tables: Sequence[Table] = ()) -> bool:
    """Whether the best rows only stand out by their print, though what is asked for is often in small print."""
    kinds = tuple(replace(kind, large=0.0) if kind.large < 1 else kind for kind in question.kinds)
    if kinds == question.kinds or question.position is not None:
        return False
    return max(score_rows(replace(question, kinds=kinds), rows, tables), default=0.0) < _LEAST


def largest_rows(rows: list[Row], most: int) -> list[int]:
    """Return the indices of up to `most` rows in the order of the page: those in the largest letters."""
    ranked = sorted(range(len(rows)), key=lambda index: (-rows[index].height, index))
    return sorted(ranked[:most])


def score_rows(question: Question, rows: list[Row], tables: Sequence[Table] = ()) -> list[float]:
    """Return for each row how well it answers `question`; 0 is not at all, 1 about a rare word in common."""
    texts = [fold(row.text) for row in rows]
    shared = _shared_words(question, texts)
    largest = max((row.height for row in rows), default=0.0)
    # The label above a value: of all values in a table it is the table's head.
    above = ["", *texts[:-1]] if texts else []
    for table in tables:
        above[table.first + 1 : table.last + 1] = [texts[table.first]] * (table.last - table.first)
    scores = []
    for index, (row, text) in enumerate(zip(rows, texts, strict=True)):
        score = shared[index]
        score += (_BESIDE if question.after else _NEXT) * max(
            0.0, (shared[index - 1] if index else 0.0) - shared[index]
        )
        score += (_BESIDE if question.before else _BEFORE) * max(
            0.0, (shared[index + 1] if index + 1 < len(rows) else 0.0) - shared[index]
        )
        prominence = _prominence(text, row.height / largest, index / len(rows))
        score += max((_kind_score(kind, text, above[index], prominence) for kind in question.kinds), default=0.0)
        if question.script:  # "the name in English": rows in another script do not answer
            score *= cjk_share(text) if question.script == "cjk" else 1 - cjk_share(text)
        scores.append(score)
    return scores


def _prominence(text: str, size: float, place: float) -> float:
    """Return how much a row looks like a name; `size` is its height to the largest row's, `place` 0 at the top."""
    letters = sum(letter.isalpha() for letter in text) / len(text)  # an amount in large print is no name
    # Squared: half the height is a quarter of the claim to be the name.
    return letters * (_LARGE * size**2 + _FIRST * (1 - place))


def _kind_score(kind: Kind, text: str, above: str, prominence: float) -> float:
    label, value = _names(kind, text), _shows(kind, text)
    if _is_label(kind, text):  # what it names is in the next row
        return _LABEL * _NEXT + kind.large * prominence
    if _is_label(kind, above):
        label = True
    under_label = value and not label and _names(kind, above) and not _shows(kind, above)
    score = _LABEL * (label or _NEXT * under_label) + _VALUE * value + _BOTH * (value and (label or under_label))
    return score + kind.large * prominence


def _is_label(kind: Kind, text: str) -> bool:
    return text.strip(" :.") in kind.labels


def _names(kind: Kind, text: str) -> bool:
    return any(has(text, word) for word in kind.labels)


def _shows(kind: Kind, text: str) -> bool:
    return kind.value is not None and kind.value.search(text) is not None


def _shared_words(question: Question, texts: list[str]) -> list[float]:
    """Return for each text the sum of its terms in the question, rare ones in these texts counting more."""
    terms = [terms_of(text) for text in texts]
    totals = [0.0] * len(texts)
    for wanted in question.terms:
        hits = [_likeness(wanted, found) for found in terms]
        rows = sum(hit > 0 for hit in hits)
        if rows == 0:
            continue
        # 1 for a term of one row, falling to about a half for one of every row: that still says what it is about.
        rarity = (1 + log((len(texts) + 1) / rows) / log(len(texts) + 1)) / 2
        own = 1.0 if wanted in question.words else 0.7
        for index, hit in enumerate(hits):
            totals[index] += own * rarity * hit
    return totals


def _likeness(wanted: str, found: frozenset[str]) -> float:
    if wanted in found:
        return 1.0
    if len(wanted) < 4 or not wanted.isascii() or not wanted.isalpha():
        return 0.0
    return max((_alike(wanted, word) for word in found if word.isascii()), default=0.0)


def _alike(wanted: str, word: str) -> float:
    long = max(len(wanted), len(word))
    stem = next((i for i, (a, b) in enumerate(zip(wanted, word, strict=False)) if a != b), min(len(wanted), len(word)))
    if stem >= 4 and stem >= 0.6 * long:  # depart, departure
        return _FUZZY
    if min(len(wanted), len(word)) < 4 or abs(len(wanted) - len(word)) > 2:
        return 0.0
    same = SequenceMatcher(None, wanted, word, autojunk=False).ratio()
    return same if same >= _FUZZY else 0.0
