"""A turn with a tool on the real llama-server: called, run, its result sent back, and used in the answer.

Nano was never taught to call, so its template (calling.jinja) makes it: llama-server learns from a template how its
model calls, and holds the model to the schemas by a grammar once a call has begun. In this one a call begins with the
words that nano thinks of any picture, `◁think▷I see`. The rest comes from the grammar, whose schema leaves one value
for each argument. The result reaches nano as a question that it knows: to count up to the distance that was measured.
That its answer ends with that number shows that the result has gone the whole way.

Nano's own template declares no tools. llama-server then ignores them, even with `tool_choice` `required`, as the last
test shows.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.files.pictures import PictureLimits
from app.files.uploads import UploadStore
from app.talk.conversation import Answer, Picture, Turn
from app.talk.parts import ToolCall, ToolResult
from app.tools.builtin import BUILTIN
from app.tools.host import ToolHost
from app.tools.toolbox import Toolbox
from app.turn.consent import Consent
from app.turn.job import Job
from app.turn.run import run
from app.turn.tooling import Tooling
from app.upstream.state import EngineState
from engine.config import Settings
from engine.nano.questions import numbers
from engine.nano.shapes import draw_shape
from engine.status import Status
from tests.instruments.llama_server import LlamaServer, parted
from tests.instruments.nano_server import KEY, png, said
from tests.unit.app.turn.test_calls import Seen
from tests.unit.app.turn.test_run import Screen

pytestmark = pytest.mark.llama

POINTS = {"picture": 1, "from_x": 0.25, "from_y": 0.5, "to_x": 0.5, "to_y": 0.5}
"""Of a picture 160 pixels wide: 40 pixels."""
MEASURE = replace(
    next(tool for tool in BUILTIN if tool.name == "measure"),
    schema={
        "type": "object",
        "properties": {name: {"enum": [value]} for name, value in POINTS.items()},
        "required": list(POINTS),
    },
)


@pytest.fixture
def calling(llama_program: Path, tmp_path: Path) -> Iterator[LlamaServer]:
    """A server of its own, since b11524 died in free() after a few calls."""
    server = LlamaServer(
        llama_program, tmp_path, more=["--chat-template-file", str(Path(__file__).with_name("calling.jinja"))]
    )
    server.start()
    yield server
    server.stop()


async def test_a_tool_is_called_and_its_result_is_in_the_answer(calling: LlamaServer, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, workspace=tmp_path / "workspace")
    settings.files.create()
    settings.files.engine_key.write_text(KEY)
    calling.plan.write(settings.files.plan)
    Status().with_engine(state="ready").write(settings.files.status)
    path = tmp_path / "shape.png"
    path.write_bytes(png(draw_shape("star", random.Random(3), (160, 120))))
    turn = Turn("1", "What is in the picture?", [Picture(str(path), "shape.png", 160, 120)])
    state, host, store = EngineState(settings), ToolHost(settings.files), UploadStore(settings.files.uploads)
    toolbox = Toolbox([], host, store, "11111111-1111-1111-1111-111111111111", PictureLimits(1_000_000, 2000))
    toolbox.tools = {"measure": MEASURE}
    consent = Consent()
    view, answer = Seen(consent), Answer()
    raw: dict[str, Any] = {"tools": True, "temperature": 0, "streaming": True}
    try:
        await run(state, Job((turn,), answer, raw, tooling=Tooling(toolbox, consent, view)), Screen())
    finally:
        store.close()
        await host.close()
        await state.close()
    call, result = answer.steps
    assert isinstance(call, ToolCall)
    assert isinstance(result, ToolResult)
    assert (call.name, result.id, result.failed) == ("measure", call.id, False)
    assert len(view.formed) > 3, "the call was not streamed"
    assert '"distance": 40.0' in result.text
    assert answer.text == numbers(40)


async def test_nanos_own_template_has_no_tools_and_llama_server_ignores_them(llama: LlamaServer) -> None:
    body = await llama.ask("Count from 1 to 5", tools=[MEASURE.as_function()], tool_choice="required")
    assert parted(said(body))[1] == numbers(5)
    assert "tool_calls" not in body["choices"][0]["message"]
