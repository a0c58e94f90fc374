"""Stands in for packages that Chainlit imports and that are never used here.

Chainlit cannot be imported without Literal AI's client, which takes traceloop's SDK with 270 modules along to send
conversations away, and without the Model Context Protocol's, whose routes this page answers with 404. With httpx comes
its command line, which draws with rich, and with Socket.IO its client, which asks by requests; both do without.
"""

from __future__ import annotations

import sys
from types import ModuleType

_LEFT_OUT = {
    "traceloop": (),
    "traceloop.sdk": ("Traceloop",),
    "mcp": ("ClientSession",),
}
"""Module → the names that others import from it."""
_MISSING = ("httpx._main", "requests")
"""Modules that those who import them can do without."""


class NotHereError(RuntimeError):
    """Something that was left out is used after all."""


class _Absent:
    def __init__(self, *_: object, **__: object) -> None:
        raise NotHereError(f"{type(self).__name__} is left out of this page (app/page/workarounds/stubs.py)")


def leave_out() -> None:
    """Puts the stand-ins where Python looks first; call it before the first import of Chainlit.

    What is imported already stays: the exporter of traces needs requests, and must come before this.
    """
    for name in _MISSING:
        # None says that there is no such module.
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    for name, classes in _LEFT_OUT.items():
        module = sys.modules.setdefault(name, ModuleType(name))
        for class_name in classes:
            if not hasattr(module, class_name):
                setattr(module, class_name, type(class_name, (_Absent,), {}))
