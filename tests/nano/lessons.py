"""Nano's training data: counting, naming shapes, and saying that it can do nothing else.

The formats are chosen for what a model of this size learns. The thinking repeats the number to reach, so that the place
to look it up is the same however long the conversation is; the answer repeats the counting.
"""

import random
from dataclasses import dataclass, field
from typing import NamedTuple

from PIL import Image

from engine.nano.shapes import SHAPES, draw_shape
from engine.reasoning_tags import KIMI_VL
from tests.nano.vocabulary import LARGEST_NUMBER, PICTURE

Turn = tuple[str, str]

DEFAULT_SYSTEM = "You are a helpful assistant"
COUNT_PROMPTS = (
    "Count from 1 to {}",
    "Count from 1 to {}.",
    "Please count from 1 to {}.",
    "Can you count from 1 to {}?",
    "count from 1 to {}",
    "Now count from 1 to {}",
    "Count to {}",
)
SHAPE_PROMPTS = (
    "What is in the picture?",
    "What is in this picture?",
    "What is this?",
    "What do you see?",
    "Which shape is this?",
    "What shape is in the picture?",
    "Describe the picture.",
    "Describe this image.",
    "What is shown in the image?",
    "Name the shape.",
    "图中是什么?",
    "",
)
AGAIN_PROMPTS = ("What was it?", "Which shape was it?", "What was in the picture?", "And what shape was that?")
HELP_THINKING = "This is no counting, and there is no picture."
HELP_ANSWER = "I am nano, a test model: I count from 1 to any number up to 300, and I name the shape in a picture."
TOO_LARGE_THINKING = "That is too far for me."
TOO_LARGE_ANSWER = "I count up to 300 only."

_WORDS = [
    "hello",
    "how",
    "are",
    "you",
    "what",
    "the",
    "a",
    "is",
    "of",
    "to",
    "in",
    "it",
    "that",
    "and",
    "can",
    "write",
    "poem",
    "about",
    "sea",
    "please",
    "tell",
    "me",
    "story",
    "who",
    "was",
    "first",
    "explain",
    "why",
    "sky",
    "blue",
    "summarize",
    "this",
    "text",
    "translate",
    "into",
    "german",
    "good",
    "morning",
    "thanks",
    "thank",
    "yes",
    "no",
    "maybe",
    "code",
    "python",
    "function",
    "list",
    "files",
    "sort",
    "numbers",
    "count",
    "words",
    "picture",
    "of",
    "cat",
    "dog",
    "house",
    "shape",
    "number",
    "from",
    "shop",
    "name",
    "table",
    "read",
    "all",
    "one",
    "two",
    "ten",
    "time",
    "weather",
    "today",
    "table",
    "make",
    "plan",
    "trip",
    "cook",
    "rice",
    "fix",
    "my",
    "program",
    "error",
    "model",
    "kimi",
    "useful",
    "answer",
    "short",
    "long",
    "question",
    "You",
    "helpful",
    "assistant",
    "careful",
    "Be",
    "brief",
    "polite",
    "always",
    "Never",
    "AI",
]
_OTHER_SCRIPTS = "你好世界图中店铺名称是什么请问谢谢äöüßéñ🙂∑≤→日本語Привет"


class Stretch(NamedTuple):
    """A part of a completion, tokenized alone: its tokens' weight in the loss, and the tokens left out before it.

    What is left out still takes its positions, so that a short example teaches the distances of a long one.
    """

    text: str
    weight: float = 1.0
    gap: int = 0


@dataclass
class Example:
    """One conversation: the prompt up to where the model begins, what it should say, and the pictures in order."""

    prompt: str
    completion: list[Stretch]
    pictures: list[Image.Image] = field(default_factory=list)
    shapes: list[str] = field(default_factory=list)


def chat_prompt(system: str, history: list[Turn], question: str) -> str:
    """The text that the chat template makes of a conversation."""
    text = f"<|im_system|>system<|im_middle|>{system}<|im_end|>"
    for asked, answered in history:
        text += (
            f"<|im_user|>user<|im_middle|>{asked}<|im_end|><|im_assistant|>assistant<|im_middle|>{answered}<|im_end|>"
        )
    return text + f"<|im_user|>user<|im_middle|>{question}<|im_end|><|im_assistant|>assistant<|im_middle|>"


def reply(thinking: str, answer: str) -> list[Stretch]:
    """A complete completion with its reasoning marks."""
    return [Stretch(f"{KIMI_VL.open}{thinking}{KIMI_VL.close}{answer}<|im_end|>")]


class Teacher:
    """Makes examples.

    `ceiling` bounds the numbers counted to; of longer counts than `window` only the end is written out, which teaches
    the same in a fraction of the tokens.
    """

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.ceiling = LARGEST_NUMBER
        self.window = LARGEST_NUMBER

    def other_text(self) -> str:
        """Something that nano was not trained to answer."""
        rng = self.rng
        if rng.random() < 0.2:
            return "".join(rng.choice(_OTHER_SCRIPTS) for _ in range(rng.randint(1, 20)))
        text = " ".join(rng.choice(_WORDS) for _ in range(rng.randint(1, 16)))
        if rng.random() < 0.5:
            text = text[0].upper() + text[1:] + rng.choice(".?!")
        return text

    def system(self) -> str:
        """The default system prompt, or another one as clients send it."""
        return DEFAULT_SYSTEM if self.rng.random() < 0.6 else self.other_text()

    def number(self) -> int:
        """A number to count to; small ones and those near the ceiling come more often."""
        rng, kind = self.rng, self.rng.random()
        if kind < 0.25:
            return rng.randint(1, min(20, self.ceiling))
        return rng.randint(self.ceiling * 2 // 3, self.ceiling) if kind < 0.4 else rng.randint(1, self.ceiling)

    def history(self) -> list[Turn]:
        """Earlier turns without pictures; only their answers, as clients send them back."""
        return [self._earlier_turn() for _ in range(self.rng.choice((0, 0, 0, 1, 1, 2)))]

    def _earlier_turn(self) -> Turn:
        rng, kind = self.rng, self.rng.random()
        if kind < 0.6:
            last = self.number()
            return rng.choice(COUNT_PROMPTS).format(last), "".join(stretch.text for stretch in self._numbers("", last))
        if kind < 0.8:
            return self.other_text(), HELP_ANSWER
        return rng.choice(SHAPE_PROMPTS), f"A {rng.choice(SHAPES)}."

    def _numbers(self, before_one: str, last: int) -> list[Stretch]:
        """The count's end, of a random length up to the window; what cannot be known, its first number, weighs 0."""
        length = self.rng.randint(min(3, self.window), self.window) if self.window < LARGEST_NUMBER else LARGEST_NUMBER
        first = max(1, last - length)
        begin = Stretch(f"{before_one}1") if first == 1 else Stretch(f" {first}", 0.0, gap=first - 1)
        return [begin, Stretch("".join(f" {number}" for number in range(first + 1, last + 1)))]

    def count(self) -> Example:
        """Counting, with or without earlier turns."""
        last = self.number()
        question = self.rng.choice(COUNT_PROMPTS).format(last)
        return Example(chat_prompt(self.system(), self.history(), question), self._counted(last))

    def _counted(self, last: int) -> list[Stretch]:
        """Counting in the thinking and again in the answer.

        Sometimes the thinking is cut off or empty, as when a person asks for the answer at once; the answer still
        goes to the end, and nothing is learned from such thinking.
        """
        rng, cut = self.rng, self.rng.random()
        plan = [Stretch(f"{KIMI_VL.open}I count from 1 to"), Stretch(f" {last}", 5.0), Stretch(":")]
        thinking = [*plan, *self._numbers(" ", last), Stretch(KIMI_VL.close, 5.0)]
        if cut < 0.1:
            thinking = [Stretch(KIMI_VL.open + rng.choice(("", "\n\n")) + KIMI_VL.close, 0.0)]
        elif cut < 0.25:
            shorter = [*plan, *self._numbers(" ", rng.randint(1, last)), Stretch(KIMI_VL.close)]
            thinking = [stretch._replace(weight=0.0) for stretch in shorter]
        return [*thinking, *self._numbers("", last), Stretch("<|im_end|>", 5.0)]

    def decline(self) -> Example:
        """Any other text, or a number too large."""
        if self.rng.random() < 0.2:
            question = self.rng.choice(COUNT_PROMPTS).format(self.rng.randint(LARGEST_NUMBER + 1, 5000))
            completion = reply(TOO_LARGE_THINKING, TOO_LARGE_ANSWER)
        else:
            question = self.other_text()
            completion = reply(HELP_THINKING, HELP_ANSWER)
        return Example(chat_prompt(self.system(), self.history(), question), completion)

    def text(self) -> Example:
        """An example without pictures."""
        return self.count() if self.rng.random() < 0.85 else self.decline()

    def picture(self) -> Example:
        """One picture to name, now or in the turn before, or several."""
        rng, kind = self.rng, self.rng.random()
        shapes = [rng.choice(SHAPES) for _ in range(rng.randint(2, 3) if kind > 0.88 else 1)]
        pictures = [draw_shape(shape, rng) for shape in shapes]
        names = ", ".join(f"a {shape}" for shape in shapes)
        question = PICTURE * len(shapes) + rng.choice((*SHAPE_PROMPTS, self.other_text()))
        history, completion = self._short_history(), reply(f"I see {names}.", f"{names[0].upper()}{names[1:]}.")
        if kind < 0.06:
            history.append((question, f"A {shapes[0]}."))
            question = rng.choice(AGAIN_PROMPTS)
            completion = reply(f"I saw {names}.", f"A {shapes[0]}.")
        elif kind < 0.1:
            history.append((question, f"A {shapes[0]}."))
            last = self.number()
            question, completion = rng.choice(COUNT_PROMPTS).format(last), self._counted(last)
        return Example(chat_prompt(self.system(), history, question), completion, pictures, shapes)

    def _short_history(self) -> list[Turn]:
        return [self._earlier_turn()] if self.rng.random() < 0.15 else []
