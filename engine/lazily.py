"""Packages that take long to import, imported when they are first used: people wait for the page.

`from engine.lazily import aiohttp` stands for `import aiohttp`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = ["Later", "aiohttp"]


class Later:
    """Stands for the module `name`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        # Import takes a lock of the module's own: whoever comes while another thread imports it waits.
        return getattr(import_module(self._name), attribute)


if TYPE_CHECKING:
    import aiohttp
else:
    # The supervisor asks its programs by it; the page is started first.
    aiohttp = Later("aiohttp")
