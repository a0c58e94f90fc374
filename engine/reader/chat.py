"""One chat completion: pictures through the worker, then the answer, as pieces of reasoning and content."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from engine.reader import metrics
from engine.reader.answering import answer
from engine.reader.answering.question import understand
from engine.reader.answering.texts import Language, language, say
from engine.reader.errors import ReaderError
from engine.reader.messages import ChatRequest, Conversation, Shown
from engine.reader.reading import pictures
from engine.reader.reading.places import Place
from engine.reader.reading.read import Reading
from engine.reader.worker import Worker

# Small enough that an answer is seen to arrive, large enough that a long transcript is not hundreds of events.
_PIECE = 24


@dataclass(frozen=True)
class Piece:
    """A stretch of the reply."""

    kind: Literal["reasoning", "content"]
    text: str

    @property
    def delta(self) -> dict[str, object]:
        """Return what it adds to the message."""
        return {self.kind: self.text}


@dataclass(frozen=True)
class Lines:
    """What was read in a picture, line by line, and where; `picture` counts those of the whole prompt, from 0."""

    picture: int
    places: tuple[Place, ...]
    kind: ClassVar[Literal["lines"]] = "lines"
    text: ClassVar[str] = ""

    @property
    def entries(self) -> list[dict[str, object]]:
        """Return the lines as the reply lists them."""
        return [{"picture": self.picture, "text": one.text, "corners": one.corners} for one in self.places]

    @property
    def delta(self) -> dict[str, object]:
        """Return what it adds to the message."""
        return {"lines": self.entries}


@dataclass(frozen=True)
class Fetched:
    """A picture that the question is about, the time of a frame of a video, and its number in the prompt, from 0."""

    data: bytes
    moment: str
    number: int = 0


@dataclass
class Usage:
    """Tokens of one request; a token is one character."""

    prompt: int
    reasoning: int = 0
    content: int = 0
    finish_reason: str = "stop"

    def add(self, piece: Piece) -> None:
        """Count a piece that is sent."""
        if piece.kind == "reasoning":
            self.reasoning += len(piece.text)
        else:
            self.content += len(piece.text)
        metrics.CHARACTERS.inc(len(piece.text))

    def body(self) -> dict[str, object]:
        """Return the usage object of the OpenAI API."""
        completion = self.reasoning + self.content
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": completion,
            "total_tokens": self.prompt + completion,
            "completion_tokens_details": {"reasoning_tokens": self.reasoning},
        }


async def fetch(talk: Conversation, worker: Worker, uploads: Path | None, limit: int) -> list[Fetched]:
    """Return the encoded pictures that the question is about: those of its message, or all earlier ones.

    A greeting is about none of the earlier ones.

    Raises ReaderError (400) for more than `limit` pictures in the prompt and for any that cannot be decoded.
    """
    if len(talk.now) + len(talk.before) > limit:
        raise ReaderError(f"At most {limit} image(s) may be provided in one prompt.", param="messages")
    found: list[Fetched] = []
    before: list[Shown] = [] if understand(talk.question).small_talk else talk.before
    # Two equal pages of a document are both counted; what is sent again with a later question is one picture.
    numbered = list(enumerate(talk.now, len(talk.before))) or [
        (before.index(one), one) for one in dict.fromkeys(before)
    ]
    for number, shown in numbered:
        data = await asyncio.to_thread(pictures.fetch, shown.url, uploads)
        if not worker.known(data):
            async with worker.checking:
                await asyncio.to_thread(pictures.check, data)
        found.append(Fetched(data, shown.moment, number))
    return found


async def reply(
    talk: Conversation, images: list[Fetched], worker: Worker, stops: list[str]
) -> AsyncGenerator[Piece | Lines]:
    """Yield the whole reply: reasoning while it reads, then the answer."""
    lang = language(talk.question)
    headings = [_heading(image, number, lang) for number, image in enumerate(images, 1)]
    readings: list[Reading] = []
    silent = bool(talk.prefix)  # the reasoning of a continued answer was sent already
    begun = False
    for number, image in enumerate(images, 1):
        if len(images) > 1 and not silent:
            yield Piece("reasoning", say("number", lang, number=number, count=len(images)) + "\n")
        job = worker.submit(image.data)
        try:
            async for name, values in job.events():
                if not silent:
                    yield Piece("reasoning", say(name, lang, **values) + "\n")
            readings.append(await job.result)
        finally:
            worker.cancel(job)
        if talk.lines and readings[-1].places:
            yield Lines(image.number, readings[-1].places)
        # A document's pages are shown as they are read, where what was said before does not stand in the way.
        page = [] if talk.prefix or stops else _page(talk, readings, headings, lang)
        for piece in page:
            yield Piece("content", piece)
        begun = begun or bool(page)
        silent = silent or begun
    if begun:
        return
    if images and not silent:
        yield Piece("reasoning", say("searching", lang) + "\n")
    follow_up = not talk.now
    text = answer.compose(talk.question, readings, headings, lang, follow_up=follow_up) if images else say("help", lang)
    for piece in pieces(before_stop(rest_of(text, talk.prefix or ""), stops)):
        yield Piece("content", piece)


def _page(talk: Conversation, readings: list[Reading], headings: list[str], lang: Language) -> list[str]:
    heading = headings[len(readings) - 1] if len(headings) > 1 else ""
    text = answer.page_of(talk.question, readings[-1], heading, lang, follow_up=not talk.now)
    return pieces(text if len(readings) == 1 else "\n\n" + text) if text else []


def _heading(image: Fetched, number: int, lang: Language) -> str:
    return say("of_frame", lang, time=image.moment) if image.moment else say("of_picture", lang, number=number)


async def limited(parts: AsyncGenerator[Piece | Lines], most: int, usage: Usage) -> AsyncGenerator[Piece | Lines]:
    """Pass `parts` on up to `most` characters, counting them in `usage`; closes `parts` at the end."""
    left = most
    async with aclosing(parts):
        async for part in parts:
            if isinstance(part, Lines):
                yield part
                continue
            cut = Piece(part.kind, part.text[:left])
            left -= len(cut.text)
            usage.add(cut)
            if cut.text:
                yield cut
            if len(cut.text) < len(part.text):
                usage.finish_reason = "length"
                return


def rest_of(text: str, prefix: str) -> str:
    """Return what follows `prefix` in `text`; the whole text, on a new line, where the prefix is another text."""
    begun = prefix.rstrip()  # white space at the end of a message is easily lost on the way
    if text.startswith(begun):
        return text[len(prefix) :] if text.startswith(prefix) else text[len(begun) :]
    return "\n\n" + text


def before_stop(text: str, stops: list[str]) -> str:
    """Return `text` up to the first stop string."""
    found = [place for stop in stops if (place := text.find(stop)) >= 0]
    return text[: min(found)] if found else text


def pieces(text: str) -> list[str]:
    """Cut `text` into stretches that end at a line's end, or at a space or after some letters in a long line."""
    found = []
    for line in text.splitlines(keepends=True):
        rest = line
        while len(rest) > _PIECE:
            cut = rest.find(" ", _PIECE // 2, _PIECE) + 1 or _PIECE
            found.append(rest[:cut])
            rest = rest[cut:]
        found.append(rest)
    return found


def token_limit(request: ChatRequest, talk: Conversation, context: int) -> int:
    """Return how many characters the reply may have.

    Raises ReaderError (400) where the prompt or the wish does not fit into `context` characters.
    """
    room = context - talk.characters
    if room < 1:
        raise ReaderError(
            f"This model's maximum context length is {context} tokens (characters); the prompt has {talk.characters}.",
            param="input_tokens",
        )
    wanted = request.max_completion_tokens or request.max_tokens or room
    if wanted > room:
        raise ReaderError(
            f"max_tokens={wanted} is too large: the prompt leaves room for {room} of {context} tokens (characters).",
            param="max_tokens",
        )
    return wanted
