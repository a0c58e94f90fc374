"""The catalogue: every entry has its facts, every name finds its model."""

import pytest

from engine.catalog import UnknownModelError, find_model, models


@pytest.mark.parametrize(
    ("name", "temperature", "pixels"),
    [
        ("Kimi-VL-A3B-Instruct", 0.2, 4096 * 14 * 14),
        ("moonshotai/Kimi-VL-A3B-Thinking", 0.6, 4096 * 14 * 14),
        ("kimi-vl-a3b-thinking-2506", 0.8, 16384 * 14 * 14),
    ],
)
def test_kimi_vl_has_its_own_sampling_and_picture_limit(name: str, temperature: float, pixels: int) -> None:
    model = find_model(name)
    assert (model.temperature, model.picture_pixels) == (temperature, pixels)


def test_a_name_is_found_in_any_case_and_by_its_alias() -> None:
    assert find_model("KIMI VL A3B INSTRUCT").name == "Kimi-VL-A3B-Instruct"


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(UnknownModelError, match="Kimi-VL-A3B-Thinking-2506"):
        find_model("gpt-2")


def test_every_fact_has_a_source_and_every_limit_is_sane() -> None:
    for model in models().values():
        assert model.source.startswith("https://")
        assert 0 < model.max_tokens <= model.context
        assert 0 <= model.temperature <= 2
        assert 0 < model.top_p <= 1
