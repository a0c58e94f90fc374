"""A server over streamable HTTP by MCP's own library: `python sdk_server.py PORT PICTURE`, with a PNG."""

import sys
from pathlib import Path

from mcp.server.mcpserver import Image, MCPServer

server = MCPServer("sdk")


@server.tool()
def red() -> Image:
    """A red picture."""
    return Image(path=Path(sys.argv[2]))


@server.tool()
def divide(top: float, bottom: float) -> float:
    """Divides."""
    return top / bottom


if __name__ == "__main__":
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
