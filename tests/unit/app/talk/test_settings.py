"""Whatever a client sends as settings, a turn gets values that make sense."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.talk.settings import (
    MAX_STORED_BYTES,
    ChatSettings,
    Offer,
    defaults,
    follow_thinking,
    parse,
    stop_sequences,
    stored,
    unescape,
)
from engine.catalog import find_model

THINKING = Offer(("served",), find_model("Kimi-VL-A3B-Thinking-2506"), 131072)
K25 = Offer(("served",), find_model("Kimi-K2.5"), 262144)
ALWAYS = Offer(("served",), find_model("Kimi-K2-Thinking"), 262144)


def test_the_defaults_are_those_of_the_catalogue() -> None:
    assert parse({}, THINKING) == ChatSettings(model="served", temperature=0.8, top_p=0.95, max_tokens=32768)


def test_a_small_context_keeps_half_for_the_prompt() -> None:
    assert defaults(Offer(("m",), THINKING.model, 2048)).max_tokens == 1024


def test_settings_from_the_panel_are_accepted() -> None:
    raw = {
        "model": "served", "temperature": 0.25, "top_p": 0.5, "max_tokens": "300", "streaming": False,
        "stop": ["Answer:", "\\n\\n"], "agent_name": " Kimi ", "system_prompt": "Be brief.", "show_thinking": False,
        "thinking": False,
    }  # fmt: skip
    assert parse(raw, THINKING) == ChatSettings(
        "served", 0.25, 0.5, 300, False, ("Answer:", "\n\n"), "Kimi", "Be brief.", False, False
    )


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("temperature", -1, 0.0),
        ("temperature", 99, 2.0),
        ("temperature", "nan", 0.8),
        ("temperature", True, 0.8),
        ("temperature", None, 0.8),
        ("temperature", [1], 0.8),
        ("top_p", 0, 0.01),
        ("top_p", 5, 1.0),
        ("max_tokens", 0, 1),
        ("max_tokens", 10**12, 131072),
        ("max_tokens", "12.7", 13),
        ("max_tokens", "inf", 32768),
        ("max_tokens", 10**400, 32768),
        ("streaming", "no", True),
        ("model", "another", "served"),
        ("model", {"a": 1}, "served"),
        ("agent_name", 5, ""),
        ("agent_name", "x" * 99, "x" * 40),
        ("agent_name", "a\nb", "a b"),
        ("system_prompt", None, ""),
    ],
)
def test_nonsense_is_clamped_or_replaced(key: str, value: Any, expected: Any) -> None:
    assert getattr(parse({key: value}, THINKING), key) == expected


@pytest.mark.parametrize("sent", [False, 0, "off", None, [], {"a": 1}])
def test_only_a_model_with_the_switch_answers_at_once_and_only_on_request(sent: object) -> None:
    assert parse({"thinking": sent}, ALWAYS) == parse({}, ALWAYS)
    assert parse({"thinking": sent}, K25).thinking is (sent is not False)


def test_without_thinking_the_defaults_are_those_of_that_mode() -> None:
    assert parse({"thinking": False}, K25).temperature == 0.6
    assert parse({"thinking": True}, K25).temperature == 1.0
    assert parse({"thinking": False, "temperature": 0.2}, K25).temperature == 0.2
    assert parse({"thinking": False}, THINKING).temperature == 0.8


@pytest.mark.parametrize(
    ("shown", "chosen", "temperature"),
    [
        ((True, 1.0), (False, 1.0), 0.6),  # no one chose it
        ((False, 0.6), (True, 0.6), 1.0),
        ((True, 1.0), (False, 0.9), 0.9),  # chosen together with the switch
        ((True, 0.3), (False, 0.3), 0.3),  # chosen before
        ((False, 0.6), (False, 1.0), 1.0),  # the other mode's default, but chosen
        ((True, 1.0), (True, 1.0), 1.0),
    ],
)
def test_the_temperature_follows_the_switch_unless_a_person_chose_it(
    shown: tuple[bool, float], chosen: tuple[bool, float], temperature: float
) -> None:
    before, now = ({"thinking": mode, "temperature": value, "max_tokens": 5} for mode, value in (shown, chosen))
    followed = follow_thinking(now, before, K25)
    assert parse(followed, K25).temperature == temperature
    assert (followed["thinking"], followed["max_tokens"]) == (chosen[0], 5)


@given(st.dictionaries(st.sampled_from(list(ChatSettings.__annotations__)), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9), st.lists, max_leaves=4
)))  # fmt: skip
def test_parse_never_raises_and_stays_within_limits(raw: dict[str, Any]) -> None:
    settings = parse(raw, THINKING)
    assert 0 <= settings.temperature <= 2
    assert 0 < settings.top_p <= 1
    assert 1 <= settings.max_tokens <= 131072
    assert len(settings.stop) <= 4
    assert all(settings.stop)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("\\n", "\n"), ("\\t|", "\t|"), ("a\\\\b", "a\\b"), ("\\u4e2d", "中"), ('say "x"\\n', 'say "x"\n'), ("\\", "\\"),
     ("C:\\dir", "C:\\dir"), ("答案：", "答案：")],
)  # fmt: skip
def test_escapes_in_stop_sequences(typed: str, meant: str) -> None:
    assert unescape(typed) == meant


def test_stop_sequences_are_few_distinct_and_not_empty() -> None:
    assert stop_sequences(["", "a", "a", "b", 3, "c", "d", "e"]) == ("a", "b", "c", "d")
    assert stop_sequences("abc") == ()


KEPT: dict[str, Any] = {
    "model": "scripted", "temperature": 0.3, "top_p": "0.5", "max_tokens": 100, "streaming": False, "stop": ["\\n"],
    "agent_name": "小K", "system_prompt": "x" * 20_000, "show_thinking": True, "thinking": None,
}  # fmt: skip


def test_settings_from_the_panel_are_kept_unchanged() -> None:
    assert stored(KEPT) == KEPT


@pytest.mark.parametrize(
    "raw",
    [
        None, 5, "x", [1], {"other": "x"}, {"model": ["x"]}, {"temperature": {"a": 1}}, {"top_p": float("nan")},
        {"max_tokens": 10**400}, {"max_tokens": True}, {"streaming": "no"}, {"stop": "x"}, {"stop": {"a": 1}},
        {"agent_name": 5}, {"system_prompt": ["x"]}, {"temperature": "1" * 100}, {5: 6},
    ],
)  # fmt: skip
def test_of_what_the_panel_does_not_send_nothing_is_kept(raw: object) -> None:
    assert stored(raw) == {}


@pytest.mark.parametrize("character", ["x", "店", "\U0001f600", "\x01", '"', "\ud800"])
def test_no_settings_are_larger_than_64_kb(character: str) -> None:
    huge = dict.fromkeys(KEPT, character * 1000000) | {"stop": [character * 1_000_000] * 1000}
    kept = stored(huge | {f"more {n}": "x" for n in range(1000)})
    assert set(kept) == {"model", "stop", "agent_name", "system_prompt"}
    assert len(json.dumps(kept, ensure_ascii=False).encode()) <= MAX_STORED_BYTES
    assert stored(kept) == kept


def test_every_field_of_the_settings_can_be_kept() -> None:
    assert set(stored(dict.fromkeys(ChatSettings.__annotations__))) == set(ChatSettings.__annotations__)
