"""The questions for the fake engine and its answers: known to both ends, so that they can be checked.

A question is `load TOKENS RATE ID [KIND]`; half of the tokens are reasoning, except where KIND is `long`.
"""

from __future__ import annotations

import io
import re
import uuid
from dataclasses import dataclass, field
from functools import cache

from PIL import Image, ImageFilter

LONG_REASONING, LONG_ANSWER = 18_000, 6_000
"""Characters of the text that is drawn in the browser."""
END = "The end of the answer."
"""The end of the long answer, to be found on the page."""
_QUESTION = re.compile(r"load (\d+) (\d+) (\S+)(?: (\w+))?")
_SENTENCE = (
    "So the picture shows a long receipt from a small shop, and the question is how much was paid for the tea; "
    "the third line reads 4.50 and the total below it 18.20, which the sum of the lines above confirms. "
    "But the change is given as 1.80, and that needs a second look at the paper below the fold.\n\n"
)
_MARKDOWN = """## What the receipt says

The shop sold **four things**, and the total is `18.20`:

| Item | Number | Price |
|---|---|---|
| Green tea | 1 | 4.50 |
| Bread | 2 | 6.40 |
| Apples | 3 | 7.30 |

1. The *tea* is on the third line.
2. The bread was counted twice.
   - The second one is half the price.

```python
def total(prices: list[float]) -> float:
    return sum(price for price in prices if price > 0)
```

> Paid in cash, with a change of 1.80.

"""


@dataclass(frozen=True)
class Load:
    """One answer: so many tokens at so many a second."""

    tokens: int
    rate: int
    kind: str = "half"
    ident: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def question(self) -> str:
        """The question that requests it."""
        return f"load {self.tokens} {self.rate} {self.ident} {self.kind}"


def parse(question: str) -> Load:
    """The load that a question requests; a short one by default."""
    found = _QUESTION.search(question)
    return Load(int(found[1]), int(found[2]), found[4] or "half", found[3]) if found else Load(2, 50, "half", "-")


@cache
def pieces(tokens: int, kind: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tokens of reasoning and of the answer."""
    if kind == "long":
        # `tokens` cuts the whole text, for a shorter run with the same mixture.
        share = tokens / long_tokens()
        reasoning = _cut(_repeat(_SENTENCE, int(LONG_REASONING * share)))
        return reasoning, _cut(_repeat(_MARKDOWN, int(LONG_ANSWER * share)) + f"\n\n{END}")
    words = tuple(f"tok{n % 97} " if n % 19 else "word.\n" for n in range(tokens))
    return words[: tokens // 2], words[tokens // 2 :]


def long_tokens() -> int:
    """How many tokens the whole long text is."""
    return (LONG_REASONING + LONG_ANSWER) // _CHARACTERS


def phone_photo(seed: int) -> bytes:
    """A JPEG of 12 megapixels and 3 to 5 MB, taken sideways; another for each seed."""
    size = 4032, 3024
    coarse = [Image.effect_noise((63, 48), 90).resize(size, Image.Resampling.BICUBIC) for _ in range(3)]
    photo = Image.blend(Image.merge("RGB", coarse), Image.effect_noise(size, 30).convert("RGB"), 0.15)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = f"photo {seed}"
    file = io.BytesIO()
    photo.filter(ImageFilter.GaussianBlur(0.6)).save(file, "JPEG", quality=92, exif=exif)
    return file.getvalue()


_CHARACTERS = 4
"""Of a token, in the long text; about what English text has."""


def _repeat(text: str, characters: int) -> str:
    return (text * (characters // len(text) + 1))[:characters]


def _cut(text: str) -> tuple[str, ...]:
    return tuple(text[at : at + _CHARACTERS] for at in range(0, len(text), _CHARACTERS))
