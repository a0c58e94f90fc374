"""Imports slow packages at their first use, so that the page starts sooner.

Write `from engine.lazily import aiohttp` instead of `import aiohttp`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = ["Later", "aiohttp"]


class Later:
    """A proxy for the module `name`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        # The import takes the module's lock, so a thread waits while another one imports it.
        return getattr(import_module(self._name), attribute)


if TYPE_CHECKING:
    import aiohttp
else:
    # The supervisor needs it for health checks, after it has started the page.
    aiohttp = Later("aiohttp")
