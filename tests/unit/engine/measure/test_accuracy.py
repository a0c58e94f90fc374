"""Accuracy: the data sets, the scores, the saved answers, lm-eval's command line."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from PIL import Image
from rich.console import Console

from engine.catalog import find_model
from engine.measure.accuracy import command, gsm8k, report, scoring
from engine.measure.accuracy.asking import REFUSED, Answered, Answers, ask_all, setting_of
from engine.measure.accuracy.command import Asked, UnsuitableError
from engine.measure.accuracy.gsm8k import LmEvalError
from engine.measure.accuracy.reply import AskingError
from engine.measure.accuracy.sets import OUR_PICTURES, READ_ALL, SHORTLY, Item, SetError, folder_set, tsv_set
from engine.measure.running_engine import Running
from engine.plans.flags import value
from engine.plans.launch import LaunchPlan
from tests.instruments.pictures.collection import cases
from tests.instruments.pictures.draw_accuracy import SEED

KEY = "a-key-that-must-not-be-seen"
PICTURE = b"\x89PNG and more"
IMAGE = base64.b64encode(PICTURE * 8).decode()
FORMULA = "Handwritten Mathematical Expression Recognition"


def running(model: str = "nano", engine: str = "vllm", url: str = "http://127.0.0.1:8123") -> Running:
    plan = LaunchPlan(
        engine=engine, model=model, served_name=model, base_url=f"{url}/v1", pictures="data", argv=("python",)
    )
    return Running(plan, KEY, 4096, "0.32.0")


def tsv(path: Path, *rows: Mapping[str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)
    return path


def row(index: int, answer: str, image: str = IMAGE, category: str = "Scene") -> dict[str, str]:
    return {"index": str(index), "image": image, "question": f"What is {index}?", "answer": answer,
            "category": category}  # fmt: skip


# Scores


@pytest.mark.parametrize(
    ("expected", "answer", "characters", "words"),
    [
        ("Open 9:00\nto 18:00", "Open 9:00 to 18:00", (0, 15), (0, 4)),
        ("川味小馆", "川味大馆", (1, 4), (1, 4)),
        ("total 12", "```\ntotal 13\n```", (1, 7), (1, 2)),
        ("one", "", (3, 3), (1, 1)),
    ],
)
def test_errors_are_counted_in_characters_and_words(
    expected: str, answer: str, characters: tuple[int, int], words: tuple[int, int]
) -> None:
    assert scoring.character_errors(expected, answer) == characters
    assert scoring.word_errors(expected, answer) == words


@pytest.mark.parametrize(
    ("expected", "answer", "category", "right"),
    [
        (("CENTRE",), "It says centre.", "Scene", True),
        (("no", "two\nlines"), "these TWO lines", "Scene", True),
        (("47",), "four", "Scene", False),
        (("x ^ 2",), "so: x^2", FORMULA, True),
        (("X",), "x", FORMULA, False),
        (("x ^ 2",), "so: x^2", "Scene", False),
    ],
)
def test_ocrbench_asks_whether_the_answer_is_contained(
    expected: tuple[str, ...], answer: str, category: str, right: bool
) -> None:
    assert scoring.contained(expected, answer, category) is right


def test_infovqa_is_the_similarity_to_the_nearest_and_nothing_below_a_half() -> None:
    assert scoring.anls(("Paris",), "paris") == 1
    assert scoring.anls(("42", "forty two"), "forty-two") == pytest.approx(1 - 1 / 9)
    assert scoring.anls(("Paris",), "London") == 0
    assert scoring.anls(("abcd",), "abxy") == 0.5


def test_the_report_sets_the_cards_figure_beside_ours() -> None:
    model = find_model("Kimi-VL-A3B-Instruct")
    pairs = [(Item(str(n), "?", ("yes",)), Answered(str(n), answer, "stop")) for n, answer in enumerate(["Yes", "no"])]
    (ocrbench,) = report.score("ocrbench", model, pairs)
    assert (ocrbench.value, ocrbench.published) == (500, f"864 ({model.source})")
    (infovqa,) = report.score("infovqa", model, pairs)
    assert (infovqa.value, infovqa.published) == (50, f"83.2 ({model.source})")
    assert report.published(find_model("Kimi-VL-A3B-Thinking"), "InfoVQA") == ""
    # A published score of bf16 weights says nothing about a quantized form: it is named, and not set beside.
    assert report.published(model, "OCRBench", "fp8_per_tensor") == ""
    assert report.incomparable(model, "OCRBench", "fp8_per_tensor") == [
        f"Not comparable: OCRBench 864, with bf16 weights, and here they are fp8_per_tensor ({model.source})."
    ]
    plan = LaunchPlan("llama", "m", "m", "", "data", variant="gguf")
    assert report.quantized_as(plan) == "gguf"
    assert report.quantized_as(replace(plan, variant="", argv=("vllm", "serve", "--quantization", "fp8"))) == "fp8"
    assert report.quantized_as(replace(plan, variant="", argv=("vllm", "serve", "m"))) == ""
    assert [score.value for score in report.score("ocr", model, pairs)] == [pytest.approx(100 * 4 / 6), 100.0]


def test_a_reason_to_doubt_a_figure_is_reported() -> None:
    item = Item("1", "?", ("a",))
    setting = setting_of(running(), find_model("nano"), "ocr", "0")
    said = report.notes([(item, Answered("1", "", REFUSED)), (item, Answered("1", "b", "length"))], 9, setting)
    assert [note.split()[0] for note in said] == ["Only", "1", "1"]
    assert report.notes([(item, Answered("1", "a", "stop"))], 1, setting) == []


# Sets


def test_our_own_pictures_are_those_that_are_drawn_and_small() -> None:
    pictures = folder_set(OUR_PICTURES)
    items = [(item, read()) for item, read in pictures.items()]
    texts = {item.name.rpartition(".")[0]: item.expected[0] for item, _ in items}
    assert pictures.size == len(items) >= 20
    assert {name.split("-")[1] for name in texts} == {"en", "zh"}
    # Drawing all of them takes its time.
    drawn = {case.name: case.transcript for case in cases(SEED, step=7)}
    assert len(drawn.keys() & texts.keys()) >= 3
    assert {name: drawn[name] for name in drawn.keys() & texts.keys()}.items() <= texts.items()
    assert sum(len(data) for _, data in items) < 1_000_000
    for item, data in items:
        Image.open(BytesIO(data)).verify()
        assert item.question == READ_ALL


@pytest.mark.parametrize("text", [None, "[]", "{", '{"gone.png": "x"}'])
def test_a_folder_without_its_manifest_or_pictures_is_reported(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(SetError, match="manifest"):
        folder_set(tmp_path)


def test_vlmevalkits_file_is_read_with_lists_of_answers_and_shared_images(tmp_path: Path) -> None:
    path = tsv(tmp_path / "a.tsv", row(1, "['one', 'uno']"), row(2, "[draft", image="1"), row(3, "3 [x]"))
    pictures = tsv_set(path, SHORTLY)
    items = [(item, read()) for item, read in pictures.items()]
    assert [item.expected for item, _ in items] == [("one", "uno"), ("[draft",), ("3 [x]",)]
    assert {data for _, data in items} == {PICTURE * 8}
    assert items[0][0].question == "What is 1?" + SHORTLY
    assert pictures.size == 3
    changed = tsv(tmp_path / "b.tsv", row(1, "another"))
    assert tsv_set(changed).digest != pictures.digest


def test_a_file_of_another_kind_is_rejected(tmp_path: Path) -> None:
    path = tsv(tmp_path / "a.tsv", {"index": "1", "question": "?"})
    with pytest.raises(SetError, match="no column answer, image"):
        tsv_set(path)
    with pytest.raises(SetError, match="can't be read"):
        tsv_set(tmp_path / "none.tsv")
    broken = tsv_set(tsv(tmp_path / "b.tsv", row(1, "x", image="*" * 99)))
    ((_, read),) = broken.items()
    with pytest.raises(SetError, match="base64"):
        read()


# Asking


Handler = Callable[[dict[str, Any]], web.Response]


async def answers_of(handler: Handler, path: Path, folder: Path, limit: int | None = None) -> list[str]:
    """What a server that answers by `handler` says about the set in `path`, in the set's order."""

    async def handle(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        return handler(await request.json())

    app = web.Application(client_max_size=10**7)
    app.router.add_post("/v1/chat/completions", handle)
    async with TestServer(app) as server:
        here, pictures = running(url=str(server.make_url("")).rstrip("/")), tsv_set(path)
        setting = setting_of(here, find_model("nano"), "ocrbench", pictures.digest)
        kept, heard = Answers(folder, setting), list[int]()
        pairs = await ask_all(here, setting, pictures, kept, limit=limit, at_once=2, hear=heard.append)
    assert heard == list(range(1, len(pairs) + 1))
    return [said.answer for _, said in sorted(pairs, key=lambda pair: int(pair[0].name))]


def saying(text: str) -> web.Response:
    return web.json_response({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]})


async def test_a_repeated_command_asks_only_what_is_left(tmp_path: Path) -> None:
    path, asked = tsv(tmp_path / "a.tsv", *(row(n, "x") for n in range(1, 6))), list[str]()

    def answer(body: dict[str, Any]) -> web.Response:
        picture, question = body["messages"][0]["content"]
        assert picture["image_url"]["url"].startswith("data:image/png;base64,")
        asked.append(question["text"])
        return saying(f"◁think▷so much◁/think▷\n{question['text']}!")

    def dies(body: dict[str, Any]) -> web.Response:
        return web.Response(status=503) if len(asked) == 3 else answer(body)

    with pytest.raises(AskingError, match="503"):
        await answers_of(dies, path, tmp_path / "kept")
    (file,) = (tmp_path / "kept").iterdir()
    # The end came in the middle of a line.
    with file.open("a") as kept:
        kept.write('{"name": "5", "ans')
    everything = await answers_of(answer, path, tmp_path / "kept")
    assert everything == [f"What is {n}?!" for n in range(1, 6)]
    assert sorted(asked) == sorted(set(asked))
    assert KEY not in file.read_text()


async def test_the_limit_holds_and_what_an_engine_cannot_take_counts_as_wrong(tmp_path: Path) -> None:
    path = tsv(tmp_path / "a.tsv", *(row(n, "x") for n in range(1, 4)))

    def answer(body: dict[str, Any]) -> web.Response:
        return web.Response(status=400) if "1" in body["messages"][0]["content"][1]["text"] else saying("x")

    assert await answers_of(answer, path, tmp_path / "kept", limit=2) == ["", "x"]


@pytest.mark.parametrize(
    "said",
    [
        "no JSON",
        "{}",
        "[]",
        '{"choices": []}',
        '{"choices": [{"message": null}]}',
        '{"choices": [{"message": {"content": [1]}}]}',
        '{"choices": [7]}',
    ],
)
async def test_a_reply_that_is_not_the_apis_is_reported_in_one_sentence(tmp_path: Path, said: str) -> None:
    path = tsv(tmp_path / "a.tsv", *(row(n, "x") for n in range(1, 4)))
    with pytest.raises(AskingError, match="does not follow the API") as error:
        await answers_of(lambda _: web.Response(text=said), path, tmp_path / "kept")
    assert said in str(error.value)


async def test_an_unreadable_picture_is_reported_in_one_sentence(tmp_path: Path) -> None:
    path = tsv(tmp_path / "a.tsv", *(row(n, "x", image="*" * 99) for n in range(1, 3)))
    with pytest.raises(SetError, match="base64"):
        await answers_of(lambda _: saying("x"), path, tmp_path / "kept")


def test_answers_of_different_settings_are_not_mixed(tmp_path: Path) -> None:
    here, nano = running(), find_model("nano")
    first, second = (setting_of(here, nano, "ocr", digest) for digest in "ab")
    Answers(tmp_path, first).add(Answered("1", "x", "stop"))
    assert Answers(tmp_path, first).known == {"1": Answered("1", "x", "stop")}
    assert Answers(tmp_path, second).known == {}


def test_greedy_but_for_models_that_think() -> None:
    thinking = setting_of(running(), find_model("Kimi-VL-A3B-Thinking-2506"), "ocr", "0")
    plain = setting_of(running(), find_model("Kimi-VL-A3B-Instruct"), "ocr", "0")
    assert (thinking.temperature, plain.temperature) == (0.8, 0.0)
    assert plain.max_tokens == 2048


# lm-eval


def test_lm_eval_is_asked_for_five_shots_without_the_key(tmp_path: Path) -> None:
    argv = gsm8k.command(Path("/e/bin/python"), running(), tmp_path, tmp_path / "task", limit=3, own=False)
    facts = dict(fact.split("=", 1) for fact in (value(argv, "--model-args") or "").split(","))
    assert facts["base_url"] == "http://127.0.0.1:8123/v1/chat/completions"
    assert value(argv, "--gen-kwargs") == "temperature=0,top_p=1.0,max_gen_toks=2048"
    assert (value(argv, "--apply-chat-template"), value(argv, "--fewshot-as-multiturn")) == ("", "true")
    assert (facts["model"], facts["tokenizer_backend"]) == ("nano", "None")
    assert [value(argv, flag) for flag in ("--tasks", "--num-fewshot", "--limit")] == ["gsm8k", "5", "3"]
    assert KEY not in " ".join(argv)
    env = gsm8k.environment(running(), {"PATH": "/bin"})
    assert (env["OPENAI_API_KEY"], env["PATH"]) == (KEY, "/bin")


def test_questions_of_ones_own_take_the_place_of_the_hubs(tmp_path: Path) -> None:
    theirs = tmp_path / "lib" / "python3.11" / "site-packages" / "lm_eval" / "tasks" / "gsm8k" / "gsm8k.yaml"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("task: gsm8k\n")
    python = tmp_path / "bin" / "python"
    (tmp_path / "train.jsonl").touch()
    with pytest.raises(LmEvalError, match=r"no test\.jsonl"):
        gsm8k.own_task(python, tmp_path, tmp_path / "task")
    (tmp_path / "test.jsonl").touch()
    gsm8k.own_task(python, tmp_path, tmp_path / "task")
    task = json.loads((tmp_path / "task" / "gsm8k_file.yaml").read_text())
    assert task["include"] == str(theirs)
    assert task["dataset_kwargs"]["data_files"]["test"] == str(tmp_path / "test.jsonl")
    argv = gsm8k.command(python, running(), tmp_path, tmp_path / "task", limit=None, own=True)
    assert [value(argv, flag) for flag in ("--tasks", "--include-path")] == ["gsm8k_file", str(tmp_path / "task")]


def test_lm_evals_result_is_read() -> None:
    # As lm-eval 0.4.13 writes it, shortened.
    said = {"results": {"gsm8k": {"sample_len": 8, "exact_match,strict-match": 0.25,
                                  "exact_match,flexible-extract": 0.5}}}  # fmt: skip
    scores, asked = gsm8k.parse(said, find_model("Kimi-K2-Thinking"))
    assert asked == 8
    assert [(score.name, score.value) for score in scores] == [
        ("GSM8K flexible-extract", 50), ("GSM8K strict-match", 25),
    ]  # fmt: skip


def test_a_figure_that_was_measured_otherwise_is_named_and_not_set_beside() -> None:
    model = find_model("Kimi-K2-Thinking")
    assert report.published(model, "GSM8K strict-match") == ""
    said = report.incomparable(model, "GSM8K strict-match")
    assert [line.split(",")[0] for line in said] == [
        "Not comparable: GSM8K strict-match 84.53", "Not comparable: GSM8K strict-match 94.09",
    ]  # fmt: skip


# The command


@pytest.mark.parametrize(
    ("model", "engine", "task", "reason"),
    [
        ("reader", "reader", "gsm8k", "can't calculate"),
        ("nano", "vllm", "ocrbench", "not included"),
        ("Kimi-K2-Thinking", "vllm", "ocr", "accepts no pictures"),
        ("my-own", "openai", "ocr", "no model"),
        ("reader", "reader", "tools", "not known to call tools"),
        ("Kimi-VL-A3B-Instruct", "vllm", "tools", "not known to call tools"),
    ],
)
def test_unsuitable_options_are_reported(tmp_path: Path, model: str, engine: str, task: str, reason: str) -> None:
    with pytest.raises(UnsuitableError, match=reason):
        command.evaluate(running(model, engine), Asked(task), tmp_path, Console(file=StringIO()))
    assert list(tmp_path.iterdir()) == []


def test_the_command_is_shown_as_it_is_typed() -> None:
    asked = Asked("ocr", Path("my pictures"), 4)
    assert asked.command == "./start.sh eval ocr --data 'my pictures' --limit 4"
