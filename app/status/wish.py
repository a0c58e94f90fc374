"""A choice in the generator of commands, as the address of its page has it."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

_Name = Annotated[str, Field(max_length=80)]


class Wish(BaseModel):
    """What is to run where. Empty: the usual."""

    model_config = ConfigDict(frozen=True)

    model: _Name = "Kimi-VL-A3B-Thinking"
    accelerator: _Name = "L40S"
    count: Annotated[int, Field(ge=1, le=64)] | None = None
    nodes: Annotated[int, Field(ge=1, le=16)] = 1
    memory: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Of one device, in GB."""
    engine: _Name = "auto"
    variant: _Name = ""
    tuning: _Name = ""
    speculative: bool = False
    without: Annotated[tuple[_Name, ...], Field(max_length=4)] = ()

    def query(self) -> str:
        """The same as the query of an address, without what is usual."""
        given = self.model_dump(exclude_defaults=True)
        return urlencode({"model": self.model, "accelerator": self.accelerator} | given, doseq=True)
