"""The makers of accelerators that this program knows. Another one is a file beside this one and its name here."""

from __future__ import annotations

from engine.machine.amd import AMD
from engine.machine.ascend import ASCEND
from engine.machine.nvidia import NVIDIA
from engine.machine.vendor import Vendor

VENDORS: dict[str, Vendor] = {vendor.name: vendor for vendor in (NVIDIA, AMD, ASCEND)}
CPU = "cpu"
"""What the catalogue calls a machine that serves from its own RAM, in a vendor's place."""
