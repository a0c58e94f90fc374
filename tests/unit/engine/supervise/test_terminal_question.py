"""The question in the terminal: asked only where somebody sits there, and answered without waiting for it."""

import asyncio
import os
import pty
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.config import Workspace
from engine.supervise import consent
from engine.supervise.terminal_question import TerminalQuestion


@dataclass
class Terminal:
    """A terminal with somebody at it."""

    keyboard: int
    ours: int
    printed: list[str] = field(default_factory=list)

    def type(self, text: str) -> None:
        os.write(self.keyboard, text.encode())


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    keyboard, ours = pty.openpty()
    yield Terminal(keyboard, ours)
    os.close(keyboard)
    os.close(ours)


@pytest.fixture
def files(tmp_path: Path) -> Workspace:
    files = Workspace(tmp_path)
    files.create()
    return files


async def answered(files: Workspace) -> str:
    async with asyncio.timeout(30):
        while (word := consent.answered(files)) is None:
            await asyncio.sleep(0.01)
    return word


@pytest.mark.parametrize(("typed", "word"), [("yes\n", "yes"), ("N\n", "no"), ("是\n", "yes")])
async def test_an_answer_is_noted_and_the_terminal_left_alone(
    terminal: Terminal, files: Workspace, typed: str, word: str
) -> None:
    question = TerminalQuestion(files, terminal.printed.append, lambda: terminal.ours)
    question.ask()
    assert "yes or no" in terminal.printed[0]
    terminal.type(typed)
    assert await answered(files) == word
    consent.ask_again(files)
    terminal.type("yes\n")
    await asyncio.sleep(0.05)
    assert consent.answered(files) is None


async def test_something_else_is_asked_again(terminal: Terminal, files: Workspace) -> None:
    question = TerminalQuestion(files, terminal.printed.append, lambda: terminal.ours)
    question.ask()
    question.ask()
    terminal.type("maybe\n")
    async with asyncio.timeout(30):
        while len(terminal.printed) < 2:
            await asyncio.sleep(0.01)
    assert terminal.printed[1:] == ["Type yes or no."]
    terminal.type("no\n")
    assert await answered(files) == "no"


async def test_it_is_taken_back_when_the_page_was_faster(terminal: Terminal, files: Workspace) -> None:
    question = TerminalQuestion(files, terminal.printed.append, lambda: terminal.ours)
    question.ask()
    question.drop()
    terminal.type("yes\n")
    await asyncio.sleep(0.05)
    assert consent.answered(files) is None


async def test_without_a_terminal_nobody_is_asked(files: Workspace) -> None:
    printed: list[str] = []
    # Standard input of the tests is none.
    TerminalQuestion(files, printed.append).ask()
    assert printed == []


async def test_one_that_is_closed_ends_the_question(files: Workspace) -> None:
    keyboard, ours = pty.openpty()
    printed: list[str] = []
    question = TerminalQuestion(files, printed.append, lambda: ours)
    question.ask()
    os.close(keyboard)
    async with asyncio.timeout(30):
        while question._reading is not None:
            await asyncio.sleep(0.01)
    os.close(ours)
