"""Packages that the page can come up without, imported when they are first used.

`from app.lazily import openai` stands for `import openai`, whose models alone take a fifth of the page's start.
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
    """Imports what is still missing in a thread, and has the garbage collector leave it alone as all other code."""
    await asyncio.to_thread(import_module, "openai")
    gc.freeze()
