"""The reader as a process: start, key, models, pictures, errors, streams, cancelling, metrics."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from PIL import Image

from engine.catalog import find_model
from engine.commands.cli import parser
from engine.config import ROOT
from engine.measure.functional import CHECKS, Served, Server
from tests.instruments.combinations import settings
from tests.instruments.pictures import png, receipt, shop_sign
from tests.instruments.ports import free_port

PATIENCE = 180.0
KEY = "key of a test"


@dataclass
class Reader:
    """A running reader."""

    url: str
    uploads: Path
    client: httpx.Client
    process: subprocess.Popen[bytes]

    def file(self, name: str, data: bytes) -> str:
        """Puts a picture where the reader may read it; returns its URL."""
        (self.uploads / name).write_bytes(data)
        return f"file://{quote(str(self.uploads / name))}"

    def post(self, question: str, *urls: str, **fields: Any) -> httpx.Response:
        """Asks without a stream."""
        return self.client.post("/v1/chat/completions", json={"messages": [user(question, *urls)], **fields})

    def answer(self, question: str, *urls: str, **fields: Any) -> str:
        """Asks; returns the content."""
        response = self.post(question, *urls, **fields)
        assert response.status_code == 200, response.text
        return str(response.json()["choices"][0]["message"]["content"])

    def metric(self, name: str) -> float:
        """Returns the value of a metric."""
        lines = self.client.get("/metrics").text.splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))


def user(question: str, *urls: str) -> dict[str, Any]:
    pictures = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return {"role": "user", "content": [*pictures, {"type": "text", "text": question}]}


def data_url(data: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    uploads = tmp_path_factory.mktemp("reader") / "up loads"
    uploads.mkdir()
    port = free_port()
    argv = [sys.executable, "-m", "engine.reader", "--port", str(port), "--uploads", str(uploads), "--model", "sight"]
    process = subprocess.Popen(argv, env={**os.environ, "KIMI_ENGINE_KEY": KEY})
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=PATIENCE) as client:
            seen = until_ready(client, process)
            assert seen[-1] == 200
            yield Reader(url, uploads, client, process)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) in {0, -signal.SIGTERM}


def until_ready(client: httpx.Client, process: subprocess.Popen[bytes]) -> list[int]:
    """Waits for /health to say 200; returns what it said."""
    seen: list[int] = []
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and 200 not in seen:
        assert process.poll() is None, "the reader ended"
        try:
            seen.append(client.get("/health").status_code)
        except httpx.TransportError:
            time.sleep(0.05)
    assert set(seen) <= {200, 503}
    return seen


def events(text: str) -> list[Any]:
    """The events of a stream; `[DONE]` as it is."""
    payloads = [line.removeprefix("data: ") for line in text.splitlines() if line]
    return [payload if payload == "[DONE]" else json.loads(payload) for payload in payloads]


def test_models_and_the_key(reader: Reader) -> None:
    (model,) = reader.client.get("/v1/models").json()["data"]
    assert model["id"] == "sight"
    assert model["max_model_len"] == 1_048_576
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": KEY}):
        refused = httpx.get(f"{reader.url}/v1/models", headers=headers)
        assert refused.status_code == 401
        assert refused.json()["error"]["code"] == 401
    for path in ("/health", "/metrics"):
        assert httpx.get(reader.url + path).status_code == 200


def test_a_stream_reports_its_steps_and_then_answers(reader: Reader) -> None:
    url = reader.file("a sign ü.png", png(shop_sign("川味小馆", "SICHUAN KITCHEN")))
    response = reader.post("图中店铺名称是什么?", url, stream=True, stream_options={"include_usage": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    *chunks, usage, done = events(response.text)
    assert done == "[DONE]"
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks[1:]]
    kinds = [next(iter(delta)) for delta in deltas]
    assert kinds == sorted(kinds, key=["reasoning", "content"].index)
    reasoning = "".join(delta.get("reasoning", "") for delta in deltas)
    content = "".join(delta.get("content", "") for delta in deltas)
    assert "640 × 340" in reasoning
    assert content.startswith("> 川味小馆")
    assert "```\n川味小馆\nSICHUAN KITCHEN\n```" in content
    assert len([delta for delta in deltas if delta.get("content")]) > 3
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == len(reasoning) + len(content)
    assert usage["usage"]["completion_tokens_details"] == {"reasoning_tokens": len(reasoning)}
    assert {chunk["id"] for chunk in chunks} == {usage["id"]}
    assert {chunk["model"] for chunk in chunks} == {"sight"}


def test_without_a_stream_and_by_data_url(reader: Reader) -> None:
    url = data_url(png(receipt("GREEN LEAF", [("Oat milk", "2.35"), ("Bananas", "1.20"), ("TOTAL", "3.55")])))
    body = reader.post("What is the total?", url, model="sight").json()
    message = body["choices"][0]["message"]
    assert message["content"].startswith("> TOTAL 3.55")
    assert "line(s)" in message["reasoning"]
    assert body["object"] == "chat.completion"
    assert body["usage"]["prompt_tokens"] == len("What is the total?")


def test_what_stands_at_the_place_of_a_line_is_its_text(reader: Reader) -> None:
    sample = ROOT / "app" / "presets" / "samples" / "receipt.png"
    message = reader.post("Total?", data_url(sample.read_bytes()), include_lines=True).json()["choices"][0]["message"]
    assert len(message["lines"]) > 5
    assert {line["picture"] for line in message["lines"]} == {0}
    with Image.open(sample) as picture:
        for line in message["lines"][:2] + message["lines"][-2:]:
            xs, ys = (sorted(line["corners"][axis::2]) for axis in (0, 1))
            box = (xs[0] * picture.width, ys[0] * picture.height, xs[-1] * picture.width, ys[-1] * picture.height)
            again = reader.answer("Read all the text.", data_url(png(picture.crop(tuple(map(round, box))))))
            assert again.strip("`\n") == line["text"]


def test_stop_limit_and_going_on(reader: Reader) -> None:
    url = data_url(png(shop_sign("FIRST", "second")))
    whole = reader.answer("Read all the text.", url)
    assert whole == "```\nFIRST\nsecond\n```"
    assert reader.answer("Read all the text.", url, stop=["second"]) == "```\nFIRST\n"
    reasoning = len(reader.post("Read all the text.", url).json()["choices"][0]["message"]["reasoning"])
    cut = reader.post("Read all the text.", url, max_tokens=reasoning + 7).json()["choices"][0]
    assert cut["finish_reason"] == "length"
    begun = cut["message"]["content"]
    assert begun == whole[:7]
    messages = [user("Read all the text.", url), {"role": "assistant", "content": begun}]
    fields = {"messages": messages, "continue_final_message": True, "add_generation_prompt": False}
    rest = reader.client.post("/v1/chat/completions", json=fields).json()["choices"][0]["message"]
    assert begun + rest["content"] == whole
    assert rest["reasoning"] is None


def test_a_follow_up_searches_all_pictures_of_the_thread(reader: Reader) -> None:
    first, second = (
        data_url(png(shop_sign("BAKERY", "Tel 555 010 2030"))),
        data_url(png(shop_sign("FLORIST", "Rose Street 9"))),
    )
    messages = [
        user("Read it all", first), {"role": "assistant", "content": "…"},
        user("And this", second), {"role": "assistant", "content": "…"},
        {"role": "user", "content": "What is the phone number?"},
    ]  # fmt: skip
    content = reader.client.post("/v1/chat/completions", json={"messages": messages}).json()["choices"][0]["message"][
        "content"
    ]
    assert "> Tel 555 010 2030" in content
    assert "```" not in content


def test_a_question_without_a_picture_and_a_picture_without_text_are_answered(reader: Reader) -> None:
    assert "attach" in reader.answer("Hello?")
    assert reader.answer("Read all the text.", data_url(png(shop_sign(" ")))) == "No text was found in the picture."


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("file:///etc/hostname", "must be a subpath of --allowed-local-media-path"),
        ("{uploads}/missing.png", "No such file"),
        ("{uploads}", "directory"),
        ("http://127.0.0.1:1/a.png", "fetches nothing"),
        ("data:image/png;base64,aGVsbG8=", "cannot identify image file"),
    ],
)
def test_errors_have_vllms_shape(reader: Reader, url: str, said: str) -> None:
    response = reader.post("Total?", url.replace("{uploads}", f"file://{quote(str(reader.uploads))}"), stream=True)
    assert response.status_code == 400
    error = response.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert (error["type"], error["code"]) == ("BadRequestError", 400)
    assert said in error["message"]
    assert str(reader.uploads) not in error["message"]


def test_other_requests_that_cannot_be_answered(reader: Reader) -> None:
    assert reader.post("Total?", model="other").status_code == 404
    assert reader.post("Total?", max_tokens=2_000_000).json()["error"]["param"] == "max_tokens"
    assert "At most 24 image(s)" in reader.post("Total?", *[f"data:,{n}" for n in range(25)]).json()["error"]["message"]
    broken = reader.client.post("/v1/chat/completions", content=b"{")
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, 400)
    assert reader.client.post("/v1/chat/completions", json={"messages": []}).json()["error"]["param"] == "messages"
    assert reader.client.get("/v1/nothing").json()["error"]["type"] == "NotFoundError"


def test_a_client_that_leaves_takes_its_picture_out_of_the_queue(reader: Reader) -> None:
    before = reader.metric("reader_pictures_cancelled_total")
    many = [
        data_url(png(receipt(f"RECEIPT {n}", [(f"item {i} of {n}", f"{i}.00") for i in range(30)]))) for n in range(4)
    ]
    with ThreadPoolExecutor(1) as pool:
        others = pool.submit(lambda: [reader.answer("Read all the text.", url) for url in many[:2]])
        with reader.client.stream(
            "POST", "/v1/chat/completions", json={"messages": [user("Read all the text.", *many)], "stream": True}
        ) as response:
            assert "assistant" in next(response.iter_lines())
        deadline = time.monotonic() + PATIENCE
        while reader.metric("reader_pictures_cancelled_total") == before and time.monotonic() < deadline:
            time.sleep(0.1)
        assert reader.metric("reader_pictures_cancelled_total") == before + 1
        assert [f"RECEIPT {n}" in text for n, text in enumerate(others.result(PATIENCE))] == [True, True]
    assert reader.metric("reader_pictures_waiting") == 0


def test_the_metrics_are_prometheus_text(reader: Reader) -> None:
    lines = reader.client.get("/metrics").text.splitlines()
    assert reader.metric("reader_requests_total") > 0
    assert reader.metric("reader_generation_tokens_total") > 0
    names = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    for line in lines:
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            float(value)
            base = name.split("{", maxsplit=1)[0]
            assert base in names or base.rsplit("_", 1)[0] in names


def test_verify_finds_the_reader_fit(reader: Reader, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "engine.key").write_text(KEY + "\n")
    options = ["--base-url", f"{reader.url}/v1", "--key-file", str(tmp_path / "engine.key")]
    chosen = parser().parse_args(["verify", *options, "--model", "sight"])
    ended = chosen.run(settings(), chosen)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok     name: sight"
    assert lines[2].startswith("ok     picture: read, ")
    # It calls no tools, and no catalogue entry of this name says so.
    assert (ended, lines[3].split()[0]) == (1, "WRONG")


def test_verify_knows_by_its_catalogue_entry_what_the_reader_does_not_do(reader: Reader) -> None:
    served = Served("sight", "", find_model("reader"))
    server = Server(f"{reader.url}/v1", KEY)
    assert [check(server, served).split()[0].rstrip(",;:") for check in CHECKS.values()] == ["none", "read", "not"]


def test_verify_with_a_wrong_key_ends_with_1(reader: Reader, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = parser().parse_args(["verify", "--base-url", f"{reader.url}/v1"])
    assert chosen.run(settings(), chosen) == 1
    assert "the key" in capsys.readouterr().err
