"""The tools of one turn: which there are, whether a call is right, and its result within the limits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.files.pictures import PictureError, PictureLimits
from app.files.uploads import UploadStore
from app.talk.control_tokens import whole
from app.talk.conversation import Picture
from app.talk.parts import MOST_RESULT_CHARACTERS, MOST_RESULT_PICTURES, ResultPicture, ToolCall, ToolResult
from app.tools.arguments import arguments_of, misfit
from app.tools.builtin import BUILTIN, call_builtin
from app.tools.host import ToolHost
from app.tools.tool import Outcome, Tool

MOST_TOOLS = 128
"""OpenAI's limit."""
MOST_PICTURES = 32
"""Of all results of one turn."""


class Toolbox:
    """The tools that a turn of `person` may use. Only pictures of its own chat are within their reach."""

    def __init__(
        self,
        tools: Sequence[Tool],
        host: ToolHost,
        store: UploadStore,
        thread: str,
        limits: PictureLimits,
        *,
        person: str = "",
    ) -> None:
        self.tools = {tool.name: tool for tool in [*BUILTIN, *tools][:MOST_TOOLS]}
        self._host = host
        self._store = store
        self._thread = thread
        self._limits = limits
        self._person = person
        self._pictures_left = MOST_PICTURES

    def functions(self) -> list[dict[str, Any]]:
        """For the request to the engine."""
        return [tool.as_function() for tool in self.tools.values()]

    def path_of(self, picture: ResultPicture) -> Path:
        """The file of a result's picture."""
        return self._store.path_of(self._thread, picture.file)

    async def mistake(self, call: ToolCall) -> str:
        """What is wrong with a call, for the model; empty: nothing."""
        tool = self.tools.get(call.name)
        if tool is None:
            return f"There is no tool {call.name!r}. There are: {', '.join(self.tools)}."
        try:
            arguments = arguments_of(call)
        except ValueError as error:
            return f"The arguments are not a JSON object ({error}). Call the tool again with correct arguments."
        if said := await misfit(tool.schema, arguments):
            return f"The arguments do not fit ({said}). Call the tool again with correct ones."
        return ""

    async def call(self, call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
        """Calls the tool and cuts the result to its limits, and says so; `pictures` are those of the chat."""
        arguments = arguments_of(call)
        if self.tools[call.name].server:
            outcome = await self._host.call(call.name, arguments)
        else:
            outcome = await call_builtin(call.name, arguments, pictures, self._limits, self._person)
        return await self._within_limits(call, outcome)

    async def _within_limits(self, call: ToolCall, outcome: Outcome) -> ToolResult:
        result = ToolResult(call.id, limited(whole(outcome.text)), outcome.failed)
        taken = outcome.pictures[: min(MOST_RESULT_PICTURES, self._pictures_left)]
        self._pictures_left -= len(taken)
        for number, data in enumerate(taken, 1):
            try:
                name = f"{call.name} {number}"
                picture = await self._store.take_bytes(data, name, self._thread, self._limits, self._person)
            except (PictureError, OSError):
                result.text += "\n[a picture that can't be used]"
                continue
            file = Path(picture.path).name
            result.pictures.append(ResultPicture(file, picture.name, picture.width, picture.height))
        if left_out := len(outcome.pictures) - len(taken):
            result.text += f"\n[{left_out} more pictures were left out]"
        return result


def limited(text: str) -> str:
    """The text of a result, cut if it is too long, with a note that it was."""
    if len(text) <= MOST_RESULT_CHARACTERS:
        return text
    return text[:MOST_RESULT_CHARACTERS] + f"\n[cut: {MOST_RESULT_CHARACTERS:,} of {len(text):,} characters]"
