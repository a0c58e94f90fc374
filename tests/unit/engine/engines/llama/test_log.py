"""From llama-server's log to a phase and a reason."""

from __future__ import annotations

from engine.engines.llama.log import LlamaLog
from engine.status import Phase, Reason

_UNREACHABLE = "common_download: failed to resolve commit for ggml-org/Kimi-VL-A3B-Thinking-2506-GGUF"
_GIVEN_UP = "main: exiting due to model loading error"


def read(*lines: str) -> LlamaLog:
    log = LlamaLog()
    for line in lines:
        log.feed(line)
    return log


def test_it_prepares_until_it_loads_the_model() -> None:
    assert read("build: 10434").phase == Phase.PREPARING
    assert read("build: 10434", "srv    load_model: loading model 'x.gguf'").phase == Phase.LOADING


def test_weights_that_it_neither_has_nor_can_fetch_are_a_reason_that_names_them() -> None:
    failure = read(_UNREACHABLE, _GIVEN_UP).failure
    assert failure is not None
    assert failure.reason == Reason("gguf_unreachable", {"repository": "ggml-org/Kimi-VL-A3B-Thinking-2506-GGUF"})


def test_a_hub_out_of_reach_is_no_failure_while_the_cache_has_the_weights() -> None:
    assert read(_UNREACHABLE, "srv    load_model: loading model 'x.gguf'").failure is None
    assert read(_GIVEN_UP).failure is None
