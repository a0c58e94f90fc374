"""The names of tools for a model."""

import re

from mcp import types

from engine.tools.offered import MOST_TOOLS, offered, offered_name


def test_every_tool_of_every_server_has_a_name_of_its_own() -> None:
    tools = ["read", "read file", "read_file", "读", "x" * 100, "x" * 99 + "y", "_read", "a__b"]
    names = [offered_name(server, tool) for server in ("a", "a_b", "a-b") for tool in tools]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names)
    assert offered_name("files", "read") == "files__read"


def test_too_many_tools_and_too_large_ones_are_left_out() -> None:
    def made(name: str, **schema: object) -> types.Tool:
        return types.Tool(name=name, inputSchema={"type": "object", **schema})

    tools = [made("large", description="x" * 20_000), made("one"), made("one"), *(made(f"t{n}") for n in range(99))]
    kept, left_out = offered(tools, "s", read_only_unasked=False)
    assert len(kept) == MOST_TOOLS
    assert left_out[:2] == ["large", "one"]
