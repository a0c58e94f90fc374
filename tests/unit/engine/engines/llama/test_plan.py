"""The launch of llama-server: its files, its memory, its threads, and the pictures that it gets."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.catalog import find_model
from engine.engines.llama.plan import llama_plan
from engine.engines.llama.server import NEEDED_FLAGS
from engine.plans.flags import number, value
from engine.plans.launch import WEIGHTS, ForbiddenError, LaunchPlan
from engine.plans.request import Place, Request
from engine.plans.target import Target

HERE = Place(8000, Path("/p"), Path("/w/uploads"), Path("/llama-server"), here=True, models=Path("/m"))
MODEL = find_model("Kimi-VL-A3B-Thinking-2506")


def plan(ram: float | None = 32, cores: int | None = 8, **values: object) -> LaunchPlan:
    place = Place(
        8000, Path("/p"), Path("/w/uploads"), Path("/llama-server"), here=True, models=Path("/m"), cores=cores
    )
    return llama_plan(Request(MODEL, Target("cpu", "CPU", memory_gb=ram), place, **values))


def test_it_loads_the_models_file_as_it_came_and_the_picture_encoder_that_was_made() -> None:
    found = plan()
    assert found.argv[0] == "/llama-server"
    assert value(found.argv, "--model") == f"{WEIGHTS}/Kimi-VL-A3B-Thinking-2506-Q4_K_M.gguf"
    assert value(found.argv, "--mmproj") == "/m/llama.cpp/Kimi-VL-A3B-Thinking-2506-mmproj.gguf"
    assert (found.weights, found.variant, found.finish) == (MODEL.name, "gguf", "engine.engines.llama.finish")


def test_the_flags_that_a_llama_server_must_know_are_those_that_are_written() -> None:
    on_a_gpu = llama_plan(Request(MODEL, Target("nvidia", "RTX3060", memory_gb=12), HERE))
    written = {part for found in (plan(), plan(16), on_a_gpu) for part in found.argv if part.startswith("--")}
    assert written == set(NEEDED_FLAGS)


def test_a_model_without_a_gguf_names_the_one_to_choose() -> None:
    request = Request(find_model("Kimi-VL-A3B-Thinking"), Target("cpu", "CPU", memory_gb=32), HERE)
    with pytest.raises(ForbiddenError, match=r"no GGUF of it; Kimi-VL-A3B-Thinking-2506 has one: choose that model\."):
        llama_plan(request)
    with pytest.raises(ForbiddenError, match=r"Kimi-K2\.5 does not run on llama: .* no GGUF of it\.$"):
        llama_plan(replace(request, model=find_model("Kimi-K2.5")))


def test_all_requests_share_one_context() -> None:
    assert "--kv-unified" in plan().argv
    for preset, slots in (("", 4), ("appliance", 16), ("long-context", 1), ("high-throughput", 8)):
        found = plan(tuning=preset)
        assert (number(found.argv, "--parallel"), found.context) == (slots, 32768)


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (8, 7), (None, None)])
def test_one_core_is_left_to_the_page(cores: int | None, threads: int | None) -> None:
    assert number(plan(cores=cores).argv, "--threads") == threads


@pytest.mark.parametrize(("ram", "cache"), [(16, 0), (20, 1575), (64, 8192), (None, None)])
def test_idle_chats_are_kept_in_what_memory_is_left(ram: float | None, cache: int | None) -> None:
    argv = plan(ram).argv
    assert number(argv, "--cache-ram") == cache
    assert ("--slot-prompt-similarity" in argv) == (cache == 0)


@pytest.mark.parametrize(
    ("ram", "tokens", "plain"), [(16, 1024, False), (20, 1024, True), (32, 1024, True), (32, 4096, False)]
)
def test_attention_is_plain_where_its_scores_fit_beside_everything_else(ram: float, tokens: int, plain: bool) -> None:
    assert (value(plan(ram, picture_tokens=tokens).argv, "--flash-attn") == "off") == plain
    on_a_gpu = llama_plan(Request(MODEL, Target("nvidia", "RTX3060", memory_gb=12), HERE))
    assert "--flash-attn" not in on_a_gpu.argv


def test_too_little_memory_is_told() -> None:
    with pytest.raises(ForbiddenError, match=r"needs 14\.2 GB of memory and CPU with 12 GB of RAM has 12 GB"):
        plan(12)


@pytest.mark.parametrize(("tokens", "patches", "seconds"), [(256, 1024, 2), (1024, 4096, 7), (4096, 16384, 29)])
def test_what_a_picture_may_take_is_a_choice_with_its_cost(tokens: int, patches: int, seconds: int) -> None:
    found = plan(picture_tokens=tokens)
    assert found.picture_patches == patches
    assert found.picture_pixels == tokens * 28 * 28
    # Llama-server never scales again what the page has scaled and padded.
    assert (number(found.argv, "--image-max-tokens") or 0) > tokens
    assert value(found.argv, "--image-min-tokens") == "1"
    assert f"up to {tokens:,} tokens, about {seconds} s" in " ".join(found.reasons)


def test_nano_has_the_limit_of_its_own_processor() -> None:
    request = Request(find_model("nano"), Target("cpu", "CPU", memory_gb=4), HERE)
    found = llama_plan(request)
    assert (found.picture_patches, found.picture_pixels) == (40, None)
    assert llama_plan(replace(request, picture_tokens=4096)).picture_patches == 40
    assert "KIMI_PICTURE_TOKENS" not in " ".join(found.reasons)
    assert value(found.argv, "--model") == "/m/llama.cpp/nano.gguf"


def test_a_model_without_a_gguf_names_the_one_that_has_one() -> None:
    model = find_model("Kimi-VL-A3B-Thinking").model_copy(update={"engines": ("llama",)})
    with pytest.raises(ForbiddenError, match="Kimi-VL-A3B-Thinking-2506 has one"):
        llama_plan(Request(model, Target("cpu", "CPU", memory_gb=64)))
