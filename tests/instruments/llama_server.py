"""The real llama-server serving nano, launched by the product's own plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.catalog import find_model
from engine.config import ROOT
from engine.engines.llama.finish import finish
from engine.engines.llama.plan import KEY_ENV, llama_plan
from engine.plans.launch import LaunchPlan
from engine.plans.request import Place, Request
from engine.plans.target import Target
from engine.reasoning_tags import split
from tests.instruments.nano_server import KEY, NanoServer


def nano_plan(program: Path, models: Path, uploads: Path, port: int, memory_gb: float = 8) -> LaunchPlan:
    """Nano on this machine's llama-server."""
    place = Place(port, ROOT, uploads, program, here=True, models=models, cores=2)
    return llama_plan(Request(find_model("nano"), Target("cpu", "CPU", memory_gb=memory_gb), place))


class LlamaServer(NanoServer):
    """One llama-server; `mmproj` is another picture encoder than the one that the product loads.

    It is launched as on a machine with `memory_gb` of memory.
    """

    def __init__(
        self,
        program: Path,
        folder: Path,
        mmproj: Path | None = None,
        more: Sequence[str] = (),
        memory_gb: float = 8,
    ) -> None:
        super().__init__(folder)
        self.plan = nano_plan(program, folder / "models", self.uploads, self.port, memory_gb)
        self._more = [*more, *([] if mmproj is None else ["--mmproj", str(mmproj)])]
        finish(find_model("nano"), folder, folder / "models")

    def command(self) -> Sequence[str]:
        """Its command line."""
        return [*self.plan.argv, *self._more]

    def environment(self) -> Mapping[str, str]:
        """What its environment has beside PATH and HOME, the key included."""
        return self.plan.env | {KEY_ENV: KEY}


def parted(reply: tuple[str, str]) -> tuple[str, str]:
    """(reasoning, answer) of a reply that has the marks in its text."""
    nothing, text = reply
    assert not nothing
    return split(text)


def finish_reason(body: dict[str, Any]) -> str:
    """Why a completion ended."""
    return str(body["choices"][0]["finish_reason"])
