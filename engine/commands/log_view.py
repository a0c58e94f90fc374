"""Shows lines of the two logs. On a terminal, colours mark the log and the level; a pipe gets them unchanged."""

from __future__ import annotations

import re

from rich.console import Console
from rich.text import Text

from engine.system.logs import plain

_COLOURS = {"llm": "cyan", "app": "magenta"}
_LEVELS = {"DEBUG": "dim", "WARNING": "yellow", "WARN": "yellow", "ERROR": "red", "CRITICAL": "bold red"}
_LEVEL = re.compile(r"\b(DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL)\b")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.,]+(?:[+-]\d\d:\d\d|Z)?|\b\d\d-\d\d \d\d:\d\d:\d\d\b")
_FACT = re.compile(r"(?<=\s)(\w+)=")
_HEAD = 100
"""The level is within this many characters, in vLLM's lines, in ours, and in ours as JSON."""


class LogView:
    """Prints lines to a console; `labelled` puts the log's name before each."""

    def __init__(self, console: Console, *, labelled: bool) -> None:
        self._console = console
        self._labelled = labelled

    def show(self, name: str, line: str) -> None:
        """Prints one line of the log `name`: llm or app."""
        if not self._console.is_terminal:
            self._console.file.write(f"{name} | {line}\n" if self._labelled else f"{line}\n")
            self._console.file.flush()
            return
        label = [(f"{name} ", _COLOURS[name]), ("│ ", "dim")] if self._labelled else []
        self._console.print(Text.assemble(*label, coloured(line)), soft_wrap=True)


def coloured(line: str) -> Text:
    """The line in its level's colour, with its time and the names of its facts dimmed."""
    text = Text(plain(line))
    if level := _LEVEL.search(text.plain[:_HEAD]):
        text.stylize(_LEVELS.get(level[1], ""))
    if time := _TIME.search(text.plain[:_HEAD]):
        text.stylize("dim", *time.span())
    for fact in _FACT.finditer(text.plain):
        text.stylize("dim", *fact.span())
    return text
