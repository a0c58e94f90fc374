"""Each phase and each reason has a sentence in every language, with the values that the code gives it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from string import Formatter

import pytest

from engine.config import ROOT
from engine.engines.vllm.log import KNOWN_FAILURES
from engine.status import Phase, Reason
from engine.wording import LANGUAGES, Language, catalogue, doing, in_language, report, said, sentence

VARYING = {f"{how}{saying}" for how in ("exited", "killed") for saying in ("", "_saying")}
"""Keys that are put together: how a process ended."""


def placeholders(words: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(words) if name}


def calls_of(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def plain_key(call: ast.Call) -> str:
    return str(call.args[0].value) if call.args and isinstance(call.args[0], ast.Constant) else ""


def reasons_of_the_code() -> dict[str, list[set[str]]]:
    """The keys of the reasons that the engine's code makes, each with the names of its values where they are plain."""
    found: dict[str, list[set[str]]] = defaultdict(list)
    for known in KNOWN_FAILURES:
        found[known.key].append(set(known.pattern.groupindex) | set(known.more()))
    for module in (ROOT / "engine").rglob("*.py"):
        tree = ast.parse(module.read_text(encoding="utf-8"))
        for call in calls_of(tree, "Reason"):
            values = call.args[1] if len(call.args) > 1 else None
            keys = values.keys if isinstance(values, ast.Dict) else []
            found[plain_key(call)].append({str(key.value) for key in keys if isinstance(key, ast.Constant)})
        for call in calls_of(tree, "WeightsError"):
            found[f"weights_{plain_key(call)}"].append({str(keyword.arg) for keyword in call.keywords})
    return {key: names for key, names in found.items() if key not in {"", "weights_"}}


def test_every_reason_that_the_code_makes_has_a_sentence_for_its_values() -> None:
    made, sentences = reasons_of_the_code(), catalogue("en")["reason"]
    assert len(made) > 30, "the code makes its reasons in another way now"
    for key, found in made.items():
        assert all(placeholders(sentences[key]) <= names for names in found), key


def test_a_sentence_about_a_plan_is_english_text_that_is_known_in_chinese_too() -> None:
    text = said("asked_for", engine="vllm")
    assert text == "KIMI_ENGINE=vllm asks for it."
    assert in_language(text, "zh") == "由 KIMI_ENGINE=vllm 指定。"
    # In a sentence around it, too.
    around = said("excluded", why=text, flags="--a", way_out="b", source="c")
    assert in_language(around, "zh").startswith("由 KIMI_ENGINE=vllm 指定。（--a）")
    assert in_language("as it is", "zh") == "as it is"


def test_every_sentence_about_a_plan_is_made_somewhere() -> None:
    code = "".join(module.read_text(encoding="utf-8") for module in (ROOT / "engine").rglob("*.py"))
    put_together = {f"layers_{how}{free}" for how in ("one", "many") for free in ("", "_free")}
    for key in set(catalogue("en")["plan"]) - put_together:
        assert f'"{key}"' in code, key


def test_no_sentence_is_left_without_a_reason() -> None:
    code = "".join(module.read_text(encoding="utf-8") for module in (ROOT / "engine").rglob("*.py"))
    for key in set(catalogue("en")["reason"]) - VARYING - {"text"}:
        assert re.search(rf'"(?:weights_)?{key.removeprefix("weights_")}"', code), key


def test_every_language_has_every_key_with_the_same_placeholders() -> None:
    def outline(language: Language) -> dict[str, dict[str, set[str]]]:
        parts = catalogue(language).items()
        return {part: {key: placeholders(said) for key, said in words.items()} for part, words in parts}

    for language in LANGUAGES:
        assert outline(language) == outline("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phase_has_words(language: Language) -> None:
    assert set(catalogue(language)["phase"]) == set(Phase) - {Phase.NONE}
    assert not doing(Phase.NONE, language)


def test_chinese_sentences_are_chinese() -> None:
    for words in catalogue("zh").values():
        assert {key for key, said in words.items() if not re.search(r"[一-鿿]", said)} <= {"text"}


def test_a_reason_says_its_values_in_the_language() -> None:
    held = Reason("port_held", {"port": 8080, "holder": "python3 (pid 4711)"})
    assert sentence(held).startswith("Port 8080 is held by python3 (pid 4711); stop it")
    assert sentence(held, "zh").startswith("端口 8080 被 python3 (pid 4711) 占用")
    assert not sentence(None)
    assert sentence(Reason.of_text("No {room} here.")) == "No {room} here."


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        (Reason("of_another_version", {"port": 8080}), "of_another_version 8080"),
        (Reason("hangs", {}), "hangs"),
        (Reason("hangs", {"seconds": "many"}), "hangs many"),
    ],
)
def test_a_reason_of_another_version_is_shown_as_it_is(reason: Reason, shown: str) -> None:
    assert sentence(reason, "zh") == shown


def test_the_action_is_stated_before_the_reason() -> None:
    assert report(Phase.LOADING, None, "zh") == "正在加载模型"
    assert report(Phase.NONE, Reason("disk_full")) == sentence(Reason("disk_full"))
    assert not report(Phase.NONE, None)
