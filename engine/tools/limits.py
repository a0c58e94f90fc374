"""Limits that both halves of the product know."""

LONGEST_SECONDS = 600
"""The longest time that `mcp.json` may give to a call."""
