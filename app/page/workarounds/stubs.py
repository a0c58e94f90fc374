"""Stubs for packages that Chainlit imports and that are never used here.

Importing Chainlit needs Literal AI's client, which imports traceloop's SDK, 270 modules for sending conversations
away, and the client of the Model Context Protocol, whose routes are answered with 404 here. httpx brings its command
line, which imports rich, and Socket.IO its client, which imports requests; both work without.
"""

from __future__ import annotations

import sys
from types import ModuleType

_LEFT_OUT = {
    "traceloop": (),
    "traceloop.sdk": ("Traceloop",),
    "mcp": ("ClientSession",),
}
"""Module → the names that other modules import from it."""
_MISSING = ("httpx._main", "requests")
"""Modules whose importers work without them."""


class NotHereError(RuntimeError):
    """A stub was used after all."""


class _Absent:
    def __init__(self, *_: object, **__: object) -> None:
        raise NotHereError(f"{type(self).__name__} is left out of this page (app/page/workarounds/stubs.py)")


def leave_out() -> None:
    """Installs the stubs in `sys.modules`; call it before the first import of Chainlit.

    Modules that are already imported stay. The exporter of traces needs requests, so it must be imported first.
    """
    for name in _MISSING:
        # None makes the import fail.
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    for name, classes in _LEFT_OUT.items():
        module = sys.modules.setdefault(name, ModuleType(name))
        for class_name in classes:
            if not hasattr(module, class_name):
                setattr(module, class_name, type(class_name, (_Absent,), {}))
