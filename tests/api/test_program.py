"""The API as a program uses it, on an engine that records its requests."""

from __future__ import annotations

import base64
import io
import threading
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from PIL import Image

from engine.status import Reason
from tests.api.asks import CHAT, HELLO, Raw, ask, data_url, error, png
from tests.api.conftest import PATIENCE
from tests.instruments.scripted_product import ScriptedProduct


def test_the_models_are_those_of_the_engine(client: OpenAI) -> None:
    [model] = client.models.list().data
    assert model.id == "scripted"
    assert model.model_dump()["max_model_len"] == 32768


def test_one_model_is_found_by_its_name(client: OpenAI) -> None:
    assert client.models.retrieve("scripted").model_dump()["max_model_len"] == 32768
    with pytest.raises(openai.NotFoundError, match="'moonshotai/Kimi' does not exist here; the models are: scripted"):
        client.models.retrieve("moonshotai/Kimi")


def test_a_question_is_answered_whole_and_as_a_stream(client: OpenAI) -> None:
    whole = client.chat.completions.create(model="scripted", messages=HELLO)
    assert whole.choices[0].message.content == "An answer."
    stream = client.chat.completions.create(model="scripted", messages=HELLO, stream=True)
    texts = [chunk.choices[0].delta.content for chunk in stream if chunk.choices]
    assert [text for text in texts if text] == ["An ", "answer."]


def test_a_stream_comes_byte_for_byte_and_while_it_is_made(scripted: ScriptedProduct, key: str) -> None:
    scripted.engine.script.answer = ["日本", "\n\n", "{}", "é"]
    request: dict[str, Any] = {"json": {"model": "scripted", "messages": HELLO, "stream": True}, "timeout": PATIENCE}
    direct = httpx.post(f"{scripted.engine.base_url}/chat/completions", **request)
    passed = httpx.post(f"{scripted.url}{CHAT}", headers={"Authorization": f"Bearer {key}"}, **request)
    assert passed.content == direct.content
    assert passed.headers["content-type"] == direct.headers["content-type"]
    scripted.engine.script.rate = 5
    scripted.engine.script.answer = ["word "] * 1000
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.stream("POST", f"{scripted.url}{CHAT}", headers=headers, **request) as stream:
        for line in stream.iter_lines():
            if "word" in line:
                break
        assert scripted.engine.streaming == 1, "the first word is here before the last is made"


def test_unknown_fields_reach_the_engine_unchanged(client: OpenAI, scripted: ScriptedProduct) -> None:
    tools: Any = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    client.chat.completions.create(
        model="scripted", messages=HELLO, tools=tools, response_format={"type": "json_object"}, seed=7,
        extra_body={"top_k": 5, "chat_template_kwargs": {"thinking": False}, "never_heard_of": [None, 1.5, "ü"]},
    )  # fmt: skip
    [seen] = scripted.engine.requests
    assert seen["tools"] == tools
    assert seen["response_format"] == {"type": "json_object"}
    assert (seen["seed"], seen["top_k"], seen["never_heard_of"]) == (7, 5, [None, 1.5, "ü"])
    assert seen["chat_template_kwargs"] == {"thinking": False}


def test_a_response_is_passed_on_with_its_picture_checked(client: OpenAI, scripted: ScriptedProduct) -> None:
    part: Any = {"type": "input_image", "image_url": data_url(png(2000, 1500)), "detail": "auto"}
    reply = client.responses.create(model="scripted", input=[{"role": "user", "content": [part]}])
    assert reply.output_text == "An answer."
    [seen] = scripted.engine.requests
    handed = base64.b64decode(seen["input"][0]["content"][0]["image_url"].partition(",")[2])
    width, height = Image.open(io.BytesIO(handed)).size
    assert width * height <= 802816
    assert seen["store"] is False


def test_what_the_engine_has_not_is_a_404_that_names_the_way_out(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="The engine here has no /v1/completions: use POST /v1/chat"):
        client.completions.create(model="scripted", prompt="Hello")
    with pytest.raises(openai.NotFoundError, match="no embeddings"):
        client.embeddings.create(model="scripted", input="Hello")


def test_a_program_that_leaves_frees_the_engine(scripted: ScriptedProduct, client: OpenAI) -> None:
    scripted.engine.script.rate = 5
    scripted.engine.script.answer = ["word "] * 5000
    stream = client.chat.completions.create(model="scripted", messages=HELLO, stream=True)
    next(iter(stream))
    scripted.wait(lambda engine: engine.streaming == 1, PATIENCE)
    stream.close()
    scripted.wait(lambda engine: engine.streaming == 0 and engine.cancelled == 1, PATIENCE)


def test_a_program_that_leaves_before_the_first_byte_frees_the_engine(scripted: ScriptedProduct, raw: Raw) -> None:
    scripted.engine.script.hold = True
    with pytest.raises(httpx.ReadTimeout):
        raw("POST", CHAT, json={"model": "scripted", "messages": HELLO}, timeout=2)
    scripted.wait(lambda engine: engine.left == 1, PATIENCE)


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/embeddings", "/v1/chat", "/v1/../v1/files"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_every_other_path_is_a_404_in_the_same_shape(raw: Raw, method: str, path: str) -> None:
    response = raw(method, path)
    assert response.status_code == 404
    assert "/v1/chat/completions" in error(response)["message"]


def test_a_wrong_method_is_answered_with_the_right_one(raw: Raw) -> None:
    assert raw("GET", CHAT).status_code == raw("POST", "/v1/models").status_code == 405
    assert raw("DELETE", "/v1/models/scripted").status_code == 405


def test_an_unknown_model_is_a_404_that_names_those_there_are(client: OpenAI, scripted: ScriptedProduct) -> None:
    with pytest.raises(openai.NotFoundError, match="'gpt-4o' does not exist here; the models are: scripted"):
        client.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert scripted.engine.requests == []


def test_the_engines_own_errors_come_with_status_and_body(client: OpenAI, scripted: ScriptedProduct) -> None:
    scripted.engine.script.status, scripted.engine.script.error = 422, "no such temperature"
    with pytest.raises(openai.UnprocessableEntityError, match="no such temperature"):
        client.chat.completions.create(model="scripted", messages=HELLO)
    # A server's error about a key may repeat it.
    scripted.engine.script.status, scripted.engine.script.error = 401, "Incorrect API key provided: sk-secret"
    with pytest.raises(openai.InternalServerError) as refused:
        client.chat.completions.create(model="scripted", messages=HELLO)
    assert refused.value.status_code == 502
    assert "sk-secret" not in str(refused.value)


@pytest.mark.parametrize(("state", "code"), [("starting", "engine_not_ready"), ("failed", "engine_failed")])
def test_an_engine_that_is_not_ready_is_a_503_that_says_when_to_come_back(
    raw: Raw, scripted: ScriptedProduct, state: str, code: str
) -> None:
    scripted.status(state=state, reason=Reason.of_text("Loading the weights."))
    for response in (raw("GET", "/v1/models"), ask(raw)):
        assert response.status_code == 503
        assert error(response)["code"] == code
        assert "Loading the weights" in error(response)["message"]
        assert int(response.headers["retry-after"]) >= 1


def test_a_dead_engine_is_a_503_and_a_cut_stream_an_exception(
    raw: Raw, client: OpenAI, scripted: ScriptedProduct
) -> None:
    scripted.engine.script.break_after = 1
    stream = client.chat.completions.create(model="scripted", messages=HELLO, stream=True)
    with pytest.raises(openai.APIError, match="broke off"):
        for _ in stream:
            pass
    scripted.plan(base_url="http://127.0.0.1:9/v1")
    for response in (raw("GET", "/v1/models"), ask(raw)):
        assert response.status_code == 503
        assert response.headers["retry-after"]


def test_many_programs_at_once_have_their_own_answers(client: OpenAI, scripted: ScriptedProduct) -> None:
    scripted.engine.script.rate = 50
    answers: list[str | None] = []

    def one() -> None:
        reply = client.chat.completions.create(model="scripted", messages=HELLO, stream=True)
        answers.append("".join(chunk.choices[0].delta.content or "" for chunk in reply if chunk.choices))

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["An answer."] * 8
