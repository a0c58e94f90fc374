"""The makers of accelerators. To add one, add a file next to this one and its name here."""

from __future__ import annotations

from engine.machine.amd import AMD
from engine.machine.ascend import ASCEND
from engine.machine.nvidia import NVIDIA
from engine.machine.vendor import Vendor

VENDORS: dict[str, Vendor] = {vendor.name: vendor for vendor in (NVIDIA, AMD, ASCEND)}
CPU = "cpu"
"""The catalogue's vendor of a machine that serves models from its own RAM."""
