"""Packages that are not needed for the start, imported on first use.

Write `from app.lazily import openai` instead of `import openai`, whose models alone take a fifth of the page's start.
"""

from __future__ import annotations

import asyncio
import gc
from importlib import import_module
from typing import TYPE_CHECKING

from engine.lazily import Later

__all__ = ["openai"]

if TYPE_CHECKING:
    import openai
else:
    openai = Later("openai")


async def load() -> None:
    """Imports the packages in a thread, and excludes them from garbage collection like all other modules."""
    await asyncio.to_thread(import_module, "openai")
    gc.freeze()
