"""The body of `POST /v1/chat/completions`, and what it asks: a question and its pictures."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from engine.formats.moments import moment_in
from engine.reader.errors import ReaderError


class Fields(BaseModel):
    """An object of a request. A field that is null is one that is not there, as in OpenAI's API."""

    @model_validator(mode="before")
    @classmethod
    def _without_null(cls, given: object) -> object:
        return {name: value for name, value in given.items() if value is not None} if isinstance(given, dict) else given


class TextPart(BaseModel):
    """A piece of text in a message."""

    type: Literal["text"]
    text: str


class ImageUrl(BaseModel):
    """The address of a picture: `data:` or `file://`."""

    url: str


class ImagePart(BaseModel):
    """A picture in a message."""

    type: Literal["image_url"]
    image_url: ImageUrl


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]


@dataclass(frozen=True)
class Shown:
    """A picture in a message: its address, and the time of a frame of a video."""

    url: str
    moment: str = ""


class Message(BaseModel):
    """One message of the thread."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """The message's text parts, joined by line breaks; without those that are captions of frames."""
        if isinstance(self.content, list):
            texts = [part.text for part in self.content if isinstance(part, TextPart)]
            return "\n".join(text for text in texts if not moment_in(text))
        return self.content or ""

    @property
    def pictures(self) -> list[Shown]:
        """The message's pictures, in order."""
        found, moment = [], ""
        for part in self.content if isinstance(self.content, list) else []:
            if isinstance(part, ImagePart):
                found.append(Shown(part.image_url.url, moment))
            moment = moment_in(part.text) if isinstance(part, TextPart) else ""
        return found


class StreamOptions(Fields):
    """What a stream carries besides the answer."""

    include_usage: bool = False


class ResponseFormat(BaseModel):
    """The form that the answer must have."""

    type: str


class ChatRequest(Fields):
    """The fields that mean something to a reader; a sampler's fields (temperature, top_p, …) change nothing here."""

    messages: list[Message] = Field(min_length=1)
    model: str | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    stop: str | list[str] | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    n: Literal[1] = 1
    response_format: ResponseFormat | None = None
    tool_choice: str | dict[str, object] | None = None
    include_lines: bool = False
    continue_final_message: bool = False
    add_generation_prompt: bool = True

    @property
    def stops(self) -> list[str]:
        """The stop strings, without empty ones."""
        stops = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return [stop for stop in stops if stop]


@dataclass(frozen=True)
class Conversation:
    """What a request asks.

    `now` are the pictures of the last user message, `before` those of earlier messages; `prefix` is the beginning of
    the answer in a request that continues it; `characters` is the length of the whole prompt; `lines` says that the
    places of what is read are wanted, too.
    """

    question: str
    now: list[Shown]
    before: list[Shown]
    prefix: str | None
    characters: int
    lines: bool = False


def conversation(request: ChatRequest) -> Conversation:
    """Returns what `request` asks.

    Raises:
        ReaderError: 400, if there is no user message, the final message to continue is not the assistant's, or the
            answer must have a form or call a tool.
    """
    if request.response_format and request.response_format.type != "text":
        raise ReaderError(
            "This server reads the text of pictures and fills no schema: leave response_format out, or ask a "
            "vision-language model.",
            param="response_format",
        )
    if request.tool_choice not in (None, "none", "auto"):
        raise ReaderError("This server reads the text of pictures and calls no tools.", param="tool_choice")
    messages = list(request.messages)
    prefix: str | None = None
    if request.continue_final_message:
        if request.add_generation_prompt or messages[-1].role != "assistant":
            raise ReaderError(
                "continue_final_message needs an assistant's message at the end and add_generation_prompt false.",
                param="continue_final_message",
            )
        prefix = messages.pop().text
    asking = next((index for index in reversed(range(len(messages))) if messages[index].role == "user"), None)
    if asking is None:
        raise ReaderError("There is no user message: ask something about a picture.", param="messages")
    return Conversation(
        question=messages[asking].text,
        now=messages[asking].pictures,
        before=[picture for message in messages[:asking] for picture in message.pictures],
        prefix=prefix,
        characters=sum(len(message.text) for message in request.messages),
        lines=request.include_lines,
    )
