"""What a question asks for: its words, the kind of thing, and whether simply all the text is wanted."""

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from engine.reader.reading.rotation import is_cjk

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Kind:
    """A kind of thing that is asked for; see `kinds.toml`."""

    name: str
    asked: tuple[str, ...]
    labels: tuple[str, ...]
    value: re.Pattern[str] | None
    pattern: re.Pattern[str] | None
    large: float
    alone: bool


@dataclass(frozen=True)
class Question:
    """A question taken apart.

    `terms` are what a line may share with it: lower-case words, numbers and pairs of CJK letters, and the same in the
    other language; `words` of them stand in the question itself. `script` is "latin" or "cjk" where a language is asked
    for; `position` is the index of the row that the question points at, -1 for the last, and `column` that of a table's
    column. `table` is "markdown" or "csv" where tables are to be turned into that. `after` and `before` ask for what is
    after or before what is named; `scene` asks what no text answers, such as a colour; `small_talk` is a greeting, or
    asks about the reader itself.
    """

    terms: frozenset[str]
    words: frozenset[str]
    kinds: tuple[Kind, ...]
    everything: bool
    script: str | None
    position: int | None
    column: int | None = None
    table: str = ""
    scene: bool = False
    after: bool = False
    before: bool = False
    small_talk: bool = False


@lru_cache
def kinds() -> tuple[Kind, ...]:
    """Return the kinds of `kinds.toml`."""
    table = tomllib.loads((_HERE / "kinds.toml").read_text(encoding="utf-8"))
    return tuple(
        Kind(
            name=name,
            asked=tuple(entry["asked"]),
            labels=tuple(entry["labels"]),
            # ASCII: for it a word ends where Chinese begins, which writes no space between "到" and "9:45".
            value=re.compile(entry["value"], re.IGNORECASE | re.ASCII) if "value" in entry else None,
            pattern=re.compile(entry["pattern"]) if "pattern" in entry else None,
            large=entry.get("large", 0.0),
            alone=entry.get("alone", False),
        )
        for name, entry in table.items()
    )


@dataclass(frozen=True)
class _Places:
    """How a question points at a row or a column: by its number, or as the last one."""

    ordinals: tuple[re.Pattern[str], ...]
    last: re.Pattern[str]

    def index(self, folded: str) -> int | None:
        """Return the index that the question points at, -1 for the last; None where it points at none."""
        if self.last.search(folded):
            return -1
        return next((index for index, pattern in enumerate(self.ordinals) if pattern.search(folded)), None)


@dataclass(frozen=True)
class _Words:
    ignored: frozenset[str]
    ignored_cjk: re.Pattern[str]
    everything: re.Pattern[str]
    rows: _Places
    columns: _Places
    table: re.Pattern[str]
    csv: re.Pattern[str]
    scene: re.Pattern[str]
    after: re.Pattern[str]
    before: re.Pattern[str]
    small_talk: re.Pattern[str]
    groups: tuple[tuple[str, ...], ...]


@lru_cache
def _words() -> _Words:
    table = tomllib.loads((_HERE / "words.toml").read_text(encoding="utf-8"))
    return _Words(
        ignored=frozenset(table["ignored"].split()),
        ignored_cjk=re.compile("|".join(table["ignored_cjk"].split())),
        everything=re.compile("|".join(table["everything"])),
        rows=_places(table, "units"),
        columns=_places(table, "columns"),
        table=re.compile("|".join(table["table"])),
        csv=re.compile("|".join(table["csv"])),
        scene=re.compile("|".join(table["scene"])),
        after=re.compile("|".join(table["after"])),
        before=re.compile("|".join(table["before"])),
        small_talk=re.compile(rf"\W*(?:{'|'.join(table['small_talk'])})\W*"),
        groups=tuple(tuple(group) for group in table["groups"]),
    )


def _places(table: dict[str, list[str]], units: str) -> _Places:
    unit = "|".join(table[units])
    ordinals = [
        rf"\b(?:{english}|{number}(?:st|nd|rd|th)) (?:{unit})\b|\b(?:{unit}) (?:number |no\.? ?)?{number}\b"
        rf"|第\s*(?:{chinese}|{number})\s*(?:{unit})"
        for number, (english, chinese) in enumerate(zip(table["ordinals"], table["ordinals_cjk"], strict=True), 1)
    ]
    return _Places(tuple(map(re.compile, ordinals)), re.compile(rf"(?:{'|'.join(table['last'])})\s*一?(?:{unit})"))


def fold(text: str) -> str:
    """Return `text` as it is compared: NFKC, lower case."""
    return unicodedata.normalize("NFKC", text).lower()


def has(text: str, word: str) -> bool:
    """Whether folded `text` holds `word`: CJK anywhere, Latin as a whole word (a plural s allowed)."""
    if any(map(is_cjk, word)):
        return word in text
    return re.search(rf"(?<![a-z0-9]){re.escape(word)}(s|es)?(?![a-z0-9])", text) is not None


def terms_of(text: str) -> frozenset[str]:
    """Return the words, numbers and pairs of CJK letters of folded `text`; a lone CJK letter stands for itself."""
    found = set(
        re.findall(r"[^\W_]+(?:[.'/-][^\W_]+)*", re.sub(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]", " ", text))
    )
    found |= {part for word in found for part in re.split(r"[.'/-]", word) if part}
    for run in re.findall(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+", text):
        found |= {run[i : i + 2] for i in range(len(run) - 1)} or {run}
    return frozenset(found)


def understand(text: str) -> Question:
    """Take a question apart; without a word in it, everything is wanted."""
    folded = fold(text)
    asked = _asked(folded)
    position, column = _words().rows.index(folded), _words().columns.index(folded)
    everything = not folded.strip() or (
        bool(_words().everything.search(folded)) and position is None and not any(kind.value for kind in asked)
    )
    words = frozenset(terms_of(_words().ignored_cjk.sub(" ", folded)) - _words().ignored)
    meant = {
        other
        for group in _words().groups
        if any(has(folded, word) for word in group)
        for other in group
        if not has(folded, other)
    }
    return Question(
        terms=words | frozenset(term for word in meant for term in terms_of(word)),
        words=words,
        kinds=asked,
        everything=everything,
        script=_script(folded),
        position=column if position is None else position,  # upright Chinese has its rows as columns
        column=column,
        table=_table(folded),
        after=bool(_words().after.search(folded)),
        before=bool(_words().before.search(folded)),
        scene=not everything and bool(_words().scene.search(folded)),
        small_talk=bool(_words().small_talk.fullmatch(folded.strip())),
    )


def _table(folded: str) -> str:
    if _words().csv.search(folded):
        return "csv"
    return "markdown" if _words().table.search(folded) else ""


def _asked(folded: str) -> tuple[Kind, ...]:
    words: set[str] = set()
    patterns: list[Kind] = []
    rest = folded
    for kind in kinds():
        if kind.pattern and (match := kind.pattern.search(rest)):
            patterns.append(kind)
            rest = rest.replace(match[0], " ")
    for word in sorted({word for kind in kinds() for word in kind.asked}, key=len, reverse=True):
        if has(rest, word):
            words.add(word)
            rest = rest.replace(word, " ")
    found = [kind for kind in kinds() if kind in patterns or words.intersection(kind.asked)]
    return tuple(kind for kind in found if not kind.alone) or tuple(found)


def _script(folded: str) -> str | None:
    if re.search(r"\bin english\b|英文|英语", folded):
        return "latin"
    return "cjk" if re.search(r"\bin chinese\b|中文|汉语|汉字", folded) else None
