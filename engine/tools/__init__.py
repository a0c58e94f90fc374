"""The tool servers that the owner names in `workspace/mcp.json`, and the process that runs them."""
