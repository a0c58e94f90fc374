"""Invalid and hostile requests from programs never reach the engine."""

from __future__ import annotations

import base64
import contextlib
import http.client
import io
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai import OpenAI
from PIL import Image

from tests.api.asks import CHAT, Raw, ask, data_url, error, picture, png
from tests.api.conftest import PATIENCE
from tests.instruments.scripted_product import ScriptedProduct


def test_a_picture_is_checked_and_reencoded(client: OpenAI, scripted: ScriptedProduct) -> None:
    hidden = png(2000, 1500) + b"<script>hidden behind the picture</script>"
    client.chat.completions.create(model="scripted", messages=picture(data_url(hidden)))
    [seen] = scripted.engine.requests
    url = seen["messages"][0]["content"][0]["image_url"]["url"]
    assert url.startswith("data:image/png;base64,")
    handed = base64.b64decode(url.partition(",")[2])
    assert b"script" not in handed
    width, height = Image.open(io.BytesIO(handed)).size
    assert width * height <= 802816 < 2000 * 1500


REFUSED_URLS = [
    "file:///etc/passwd", "FILE:///etc/passwd", "file://localhost/etc/passwd", " file:///etc/passwd", "/etc/passwd",
    "ftp://example.org/a.png", "gopher://x/", "blob:x", "", "https://example.org/a.png", "http://example.org/a.png",
    "http://localhost/a.png", "http://127.0.0.1/a.png", "http://localhost.:80/a.png", "http://2130706433/",
    "http://[::1]/", "http://[::ffff:127.0.0.1]/", "//localhost/a.png", "http:/\\localhost/", "http://localhost:{engine}/",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_urls_that_reach_into_the_machine_are_rejected_with_the_way_out(
    raw: Raw, scripted: ScriptedProduct, url: str
) -> None:
    port = scripted.engine.base_url.rsplit(":", 1)[1].split("/")[0]
    response = ask(raw, picture(url.replace("{engine}", port)))
    assert response.status_code == 400
    assert "data: URLs" in error(response)["message"]
    assert "KIMI_PICTURE_HOSTS" in error(response)["message"]
    assert error(response)["param"] == "messages[0].content[0]"
    assert scripted.engine.requests == []


HIDDEN_PICTURES: list[Any] = [
    {"type": "input_image", "image_url": "file:///etc/passwd"},
    {"type": "video_url", "video_url": {"url": "file:///etc/passwd"}},
    {"type": "audio_url", "audio_url": {"url": "http://127.0.0.1/"}},
    {"type": "text", "text": "x", "image_url": "file:///etc/passwd", "uuid": "x"},
    {"type": "text", "text": "x", "uuid": None, "image_url": {"url": "file:///etc/passwd"}},
    {"image_url": "file:///etc/passwd"},
    {"type": ["image_url"], "image_url": {"url": "file:///etc/passwd"}},
    {"type": "image_url", "image_url": {"url": data_url(png())}, "uuid": "somebody-elses"},
    {"type": "image_url", "image_url": {"url": data_url(png()), "file": "file:///etc/passwd"}},
    {"type": "image_url", "image_url": {"url": ["file:///etc/passwd"]}},
    {"type": "image_url", "image_url": None, "uuid": "x"},
    {"type": "image_embeds", "image_embeds": "AA=="},
    {"type": "file", "file": {"file_id": "x"}},
    ["file:///etc/passwd"], 7, None,
]  # fmt: skip


@pytest.mark.parametrize("part", HIDDEN_PICTURES)
@pytest.mark.parametrize("role", ["user", "tool"])
def test_no_other_part_carries_a_picture_past_the_check(
    raw: Raw, scripted: ScriptedProduct, part: Any, role: str
) -> None:
    response = ask(raw, [{"role": role, "content": [{"type": "text", "text": "x"}, part]}])
    assert response.status_code == 400
    assert error(response)["param"] == "messages[0].content[1]"
    assert scripted.engine.requests == []


def test_a_field_named_twice_is_read_once(raw: Raw, scripted: ScriptedProduct) -> None:
    bad = '[{"role":"user","content":[{"type":"image_url","image_url":{"url":"file:///etc/passwd"}}]}]'
    body = f'{{"model":"scripted","messages":{bad},"messages":[{{"role":"user","content":"x"}}]}}'
    assert raw("POST", CHAT, content=body).status_code == 200
    assert scripted.engine.bodies[0].count(b'"messages"') == 1
    assert b"passwd" not in scripted.engine.bodies[0]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "picture_empty"),
        (b"<svg/>", "picture_unknown"),
        (b"%PDF-1.7", "picture_unknown"),
        (png()[:60], "picture_broken"),
    ],
)
def test_a_file_that_is_no_picture_is_rejected_here(
    raw: Raw, scripted: ScriptedProduct, data: bytes, code: str
) -> None:
    response = ask(raw, picture(data_url(data)))
    assert (response.status_code, error(response)["code"]) == (400, code)
    assert scripted.engine.requests == []


@pytest.mark.parametrize("url", ["data:image/png;base64,%%%", "data:image/png,abc", "data:", "data:image/png;base64,a"])
def test_a_broken_data_url_is_refused_here(raw: Raw, url: str) -> None:
    assert ask(raw, picture(url)).status_code == 400


def test_more_pictures_than_the_model_takes_are_refused_before_any_is_read(raw: Raw) -> None:
    parts = picture("data:image/png;base64,AA==")[0]["content"][:1] * 300
    response = ask(raw, [{"role": "user", "content": parts}])
    assert (response.status_code, error(response)["code"]) == (400, "too_many_pictures")


def test_a_body_above_the_limit_is_refused_before_it_comes(scripted: ScriptedProduct, key: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", scripted.port, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.putrequest("POST", CHAT)
        connection.putheader("Authorization", f"Bearer {key}")
        connection.putheader("Content-Length", str(129 * 1024 * 1024))
        connection.endheaders()
        reply = connection.getresponse()
        assert reply.status == 413
        assert "128 MB" in json.loads(reply.read())["error"]["message"]


def test_a_picture_of_several_megabytes_gets_through(client: OpenAI, scripted: ScriptedProduct) -> None:
    noise = Image.effect_noise((1600, 1600), 100)
    file = io.BytesIO()
    noise.save(file, "BMP")
    assert len(file.getvalue()) > 2_500_000
    client.chat.completions.create(model="scripted", messages=picture(data_url(file.getvalue(), "image/bmp")))
    assert len(scripted.engine.requests) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
PART = JSON | st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image_url", "refusal"]) | JSON}, optional={"image_url": JSON, "text": JSON}
)
MESSAGE = JSON | st.fixed_dictionaries({"role": JSON, "content": JSON | st.lists(PART, max_size=3)})
BODIES = st.fixed_dictionaries(
    {"messages": JSON | st.lists(MESSAGE, max_size=3)}, optional={"model": st.just("scripted") | JSON, "stream": JSON}
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200) | BODIES | JSON)
def test_no_body_brings_the_page_down(raw: Raw, body: Any) -> None:
    response = raw("POST", CHAT, content=body) if isinstance(body, bytes) else raw("POST", CHAT, json=body)
    assert response.status_code in {200, 400, 404}
    if response.status_code != 200:
        assert error(response)["message"]


ABSURD = [
    b"[" * 100_000,
    b'{"messages":' * 500,
    b'{"messages":[{"content":' + b"[" * 300 + b"]" * 300 + b"}]}",
    b'{"messages":[{"content":"x"}],"a":' + b"[" * 500 + b"]" * 500 + b"}",
    b'{"messages":[{"content":"x"}],"a":NaN}',
    b'{"messages":[{"content":"\\ud800"}]}',
    b"\xef\xbb\xbf{}",
]


@pytest.mark.parametrize("body", ABSURD)
def test_absurd_json_is_a_400(raw: Raw, body: bytes) -> None:
    response = raw("POST", CHAT, content=body)
    assert response.status_code == 400
    assert error(response)["message"]
