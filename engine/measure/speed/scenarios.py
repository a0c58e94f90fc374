"""The named scenarios, and how `--quick` makes them smaller."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.formats.picture_tokens import blocks

_QUICK = 1 / 8
"""The scale of prompts and answers with `--quick`, unless the engine's context requires less."""
_FULL = 0.9
"""The share of the context that may be filled: the chat template needs the rest."""
_QUICK_PROMPTS = 2
"""Prompts per concurrent request with `--quick`."""


@dataclass(frozen=True)
class Load:
    """The maximum number of concurrent requests, and the total number."""

    concurrency: int
    prompts: int
    rate: float | None = None
    """How many requests begin in a second; None: each as soon as there is room."""


@dataclass(frozen=True)
class Scenario:
    """Requests of one kind. Lengths are in tokens, the picture's size in pixels (width, height)."""

    name: str
    what: str
    input_len: int
    output_len: int
    loads: tuple[Load, ...]
    picture: tuple[int, int] | None = None

    def tokens(self, picture_pixels: int) -> int:
        """The tokens of one request; the engine scales a picture down to `picture_pixels`."""
        return self.input_len + self.output_len + self.picture_tokens(picture_pixels)

    def picture_tokens(self, picture_pixels: int) -> int:
        """The tokens of its picture."""
        if self.picture is None:
            return 0
        width, height = self.picture
        return blocks(width, height, picture_pixels)


_CHAT = (Load(1, 10), Load(16, 80), Load(100, 500))
_LONG = (Load(1, 10), Load(16, 80), Load(64, 320))
_STEADY = (Load(10, 10, rate=1.0),)
_SWEEP = tuple(Load(concurrency, 10 * concurrency) for concurrency in (1, 2, 4, 8, 16, 32))

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("chat", "1,000 tokens in, 1,000 out", 1000, 1000, _CHAT),
        Scenario("reasoning", "1,000 tokens in, 8,000 out", 1000, 8000, _LONG),
        Scenario("summarisation", "8,000 tokens in, 1,000 out", 8000, 1000, _LONG),
        Scenario("sweep", "1,024 tokens in and out, at 1 to 32 at once", 1024, 1024, _SWEEP),
        Scenario("steady-512", "512 tokens in and out, a request a second", 512, 512, _STEADY),
        Scenario("steady-1024", "1,024 tokens in and out, a request a second", 1024, 1024, _STEADY),
        Scenario("steady-2048", "2,048 tokens in and out, a request a second", 2048, 2048, _STEADY),
        Scenario("pictures-720p", "a picture of 1280 x 720, 128 tokens in and out", 128, 128, _LONG, (1280, 720)),
        Scenario("pictures-1080p", "a picture of 1920 x 1080, 128 tokens in and out", 128, 128, _LONG, (1920, 1080)),
    )
}
"""Chat, reasoning and summarisation come from SGLang's cookbook, sweep and steady loads from vllm-ascend."""


def made_quick(scenario: Scenario, context: int | None, sequences: int | None, picture_pixels: int) -> Scenario:
    """A smaller scenario of the same shape, for an engine with this context and this many concurrent requests."""
    text = scenario.input_len + scenario.output_len
    room = text if context is None else context * _FULL - scenario.picture_tokens(picture_pixels)
    scale = min(_QUICK, room / text)
    most = sequences or max(load.concurrency for load in scenario.loads)
    at_once = dict.fromkeys(min(load.concurrency, most) for load in scenario.loads if load.rate is None)
    steady = [replace(load, concurrency=_QUICK_PROMPTS, prompts=_QUICK_PROMPTS) for load in scenario.loads if load.rate]
    return replace(
        scenario,
        input_len=max(1, int(scenario.input_len * scale)),
        output_len=max(1, int(scenario.output_len * scale)),
        loads=(*(Load(concurrency, concurrency * _QUICK_PROMPTS) for concurrency in at_once), *steady),
    )
