"""The message that shows the answer itself."""

from __future__ import annotations

import chainlit as cl
from chainlit.utils import utc_now

from app.page.answer import wording
from app.page.answer.frame import Frame
from app.talk.conversation import Answer


class AnswerText:
    """The text of the answer that is shown, or the reason why there is none."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self.message: cl.Message | None = None
        self.steps_follow = False
        """Whether steps were shown after the message: further text then moves it below them."""

    def restore(self, answer: Answer) -> None:
        """Shows an answer from the history."""
        self.message = self._new(self._words(answer))
        self.message.created_at = utc_now()

    async def begin(self, answer: Answer) -> None:
        """Goes back to what `answer` has so far."""
        self.steps_follow = False
        if self.message and self.message.content != answer.text:
            await self._rewrite(answer.text)

    async def say(self, words: str) -> None:
        """Appends some text."""
        if self.message is None or self.steps_follow:
            before, self.message = self.message, self._new((self.message.content if self.message else "") + words)
            self.steps_follow = False
            await self.message.send()
            if before:
                await before.remove()
        else:
            self.message.author = self._frame.author
            await self.message.stream_token(words)

    async def take_back(self) -> str:
        """Empties the message and returns what it said."""
        said = self.message.content if self.message else ""
        if self.message:
            await self._rewrite("")
        return said

    async def finish(self, answer: Answer) -> cl.Message:
        """Shows an answer that has ended."""
        words = self._words(answer)
        if self.message is None:
            self.message = self._new(words)
            await self.message.send()
        else:
            await self._rewrite(words)
        return self.message

    async def remove(self) -> None:
        """Removes the message from the page."""
        if self.message:
            await self.message.remove()
            self.message = None

    async def _rewrite(self, words: str) -> None:
        assert self.message
        self.message.content = words
        await self.message.update()

    def _new(self, words: str) -> cl.Message:
        return cl.Message(content=words, author=self._frame.author, parent_id=self._frame.parent_id)

    def _words(self, answer: Answer) -> str:
        return answer.text or wording.no_answer(answer, self._frame.language)
