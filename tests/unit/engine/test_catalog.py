"""The catalogue: every entry has its facts, every name finds its model."""

import pytest

from engine.catalog import UnknownModelError, catalog, find_model, models
from engine.machine.cards import find_card


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


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownModelError, match="Kimi-VL-A3B-Thinking-2506"):
        find_model("gpt-2")


def test_every_fact_has_a_source_and_every_limit_is_sane() -> None:
    for model in models().values():
        assert model.source.startswith("https://")
        assert 0 < model.max_tokens <= model.context
        assert 0 <= model.temperature <= 2
        assert 0 < model.top_p <= 1


def test_every_combination_names_models_that_the_catalogue_has() -> None:
    found = catalog()
    for entry in (*found.recipes, *found.established, *found.troubleshooting):
        assert set(entry.models) <= set(found.models)
        assert entry.source.startswith("https://")
    for name, model in found.models.items():
        assert model.stand_in in {"", *found.models}
        assert name == find_model(name.upper()).name
    for card in found.accelerators.values():
        assert all(find_card(known) == card for known in (card.name, card.name.lower(), *card.aliases))
        assert card.memory_gb is not None or card.vendor == "cpu"


def test_the_two_temperatures_and_the_switch_of_k2_5_are_known() -> None:
    model = find_model("Kimi-K2.5")
    assert model.instant is not None
    assert (model.temperature, model.instant.temperature) == (1.0, 0.6)
    assert model.instant.chat_template_kwargs == {"thinking": False}


def test_only_models_that_think_by_choice_have_a_switch() -> None:
    with_switch = {name for name, model in models().items() if model.instant}
    assert "Kimi-VL-A3B-Instruct" not in with_switch
    assert "Kimi-K2-Thinking" not in with_switch
    assert {"Kimi-VL-A3B-Thinking", "Kimi-K2.5", "Kimi-K2.6"} <= with_switch
