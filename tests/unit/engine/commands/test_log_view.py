"""How a log line looks on a terminal, and that it cannot control the terminal."""

import io

import pytest
from rich.console import Console

from engine.commands.log_view import LogView, coloured

OURS = "2026-11-22T02:20:54.123+00:00 WARNING app.page.callbacks: a turn failed thread=abc"
VLLM = "\x1b[0;36m(APIServer pid=7)\x1b[0m ERROR 11-22 02:20:54 [api_server.py:10] no room"
JSON = '{"time": "2026-11-22T02:20:54.123+00:00", "level": "ERROR", "logger": "app.page.callbacks", "message": "x"}'


def styles(line: str) -> set[str]:
    text = coloured(line)
    return {str(text.style), *(str(span.style) for span in text.spans)}


@pytest.mark.parametrize(("line", "colour"), [(OURS, "yellow"), (VLLM, "red"), (JSON, "red")])
def test_the_level_gives_the_colour(line: str, colour: str) -> None:
    assert colour in styles(line)
    assert not {"yellow", "red"} & styles(line.replace("WARNING", "INFO").replace("ERROR", "INFO"))


def test_a_line_cannot_steer_the_terminal() -> None:
    assert coloured("\x1b[2J\x1b]0;title\x07 a\x08b\x9b31m").plain == "0;title ab31m"
    assert coloured(VLLM).plain.startswith("(APIServer pid=7) ERROR")
    assert coloured("a" + "".join(map(chr, range(0x7F, 0xA0))) + "b\xa0c").plain == "ab\xa0c"
    assert coloured("10%\r20%\r30%").plain == "30%"
    assert coloured("10%\r20%\r").plain == "20%"
    assert coloured("a line of Windows\r").plain == "a line of Windows"


@pytest.mark.parametrize("terminal", [True, False])
def test_a_pipe_gets_the_line_as_it_is(terminal: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, color_system="standard" if terminal else None, width=40)
    LogView(console, labelled=True).show("llm", VLLM)
    LogView(console, labelled=False).show("app", OURS)
    if terminal:
        assert "\x1b[36mllm \x1b[0m\x1b[2m│ " in out.getvalue()
        assert "\x1b[33m" in out.getvalue()
        assert len(out.getvalue().splitlines()) == 2
    else:
        assert out.getvalue() == f"llm | {VLLM}\n{OURS}\n"
