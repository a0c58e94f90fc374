"""Which keys give access, and that keys leak nowhere."""

from __future__ import annotations

import httpx
import openai
import pytest
from openai import OpenAI

from engine.access.keys import Keys
from tests.api.asks import CHAT, HELLO, Raw, ask, error
from tests.api.conftest import PATIENCE, PERSONS_KEY
from tests.instruments.scripted_product import ScriptedProduct


def test_the_engine_gets_its_own_key_and_neither_the_programs_nor_the_persons(
    client: OpenAI, scripted: ScriptedProduct, key: str
) -> None:
    client.chat.completions.create(model="scripted", messages=HELLO)
    [headers] = scripted.engine.headers
    assert headers["Authorization"] == f"Bearer {scripted.files.engine_key.read_text().strip()}"
    assert key not in str(headers)
    assert PERSONS_KEY not in str(headers)


@pytest.mark.parametrize("given_key", ["", "Bearer", "Bearer wrong", "Basic dTpw", "Bearer \xff"])
def test_without_a_key_there_is_a_401_on_this_machine_too(raw: Raw, scripted: ScriptedProduct, given_key: str) -> None:
    header = {"Authorization": given_key.encode("latin-1")}
    for response in (raw("GET", "/v1/models", headers=header), raw("POST", CHAT, json={}, headers=header)):
        assert response.status_code == 401
        assert error(response)["code"] == "invalid_api_key"
        assert response.headers["www-authenticate"] == "Bearer"
    raw("GET", "/v1/models")
    with pytest.raises(openai.AuthenticationError):
        OpenAI(base_url=f"{scripted.url}/v1", api_key="wrong", max_retries=0).models.list()
    assert scripted.engine.requests == []


def test_a_login_at_the_page_opens_nothing_here(raw: Raw) -> None:
    """Otherwise any page in a browser on this machine could use the API."""
    cookie = raw("GET", "/", headers={"Accept": "text/html"}).headers["set-cookie"].partition(";")[0]
    assert "access_token" in cookie
    assert raw("GET", "/v1/models", headers={"Authorization": "", "Cookie": cookie}).status_code == 401


def test_wrong_keys_are_limited_and_none_at_all_is_no_guess(scripted: ScriptedProduct, key: str) -> None:
    # From another address, so that the other tests do not have to wait.
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.7")
    with httpx.Client(base_url=scripted.url, timeout=PATIENCE, transport=elsewhere) as client:

        def models(key: str) -> httpx.Response:
            return client.get("/v1/models", headers={"Authorization": key})

        for _ in range(12):
            assert models("").status_code == 401
        wrong = [models("Bearer x") for _ in range(11)]
        assert [response.status_code for response in wrong] == [401] * 10 + [429]
        assert error(wrong[-1])["code"] == "too_many_wrong_keys"
        # A right key still works: no one guesses 256 bits, and a script with an old key must not lock out others.
        assert models(f"Bearer {key}").status_code == 200


def test_a_removed_key_stops_at_once_even_in_an_answer(scripted: ScriptedProduct) -> None:
    keys = Keys(scripted.files.keys)
    key = keys.add("short-lived")
    scripted.engine.script.rate = 5
    scripted.engine.script.answer = ["word "] * 150
    with OpenAI(base_url=f"{scripted.url}/v1", api_key=key, max_retries=0, timeout=PATIENCE) as client:
        stream = client.chat.completions.create(model="scripted", messages=HELLO, stream=True)
        next(iter(stream))
        keys.remove("short-lived")
        with pytest.raises(openai.AuthenticationError):
            client.models.list()
        with pytest.raises(openai.APIError, match="removed"):
            for _ in stream:
                pass
    scripted.wait(lambda engine: engine.streaming == 0, PATIENCE)


def test_another_sites_page_gets_nothing_even_with_a_key(raw: Raw, scripted: ScriptedProduct) -> None:
    assert raw("GET", "/v1/models", headers={"Origin": "https://evil.example"}).status_code == 403
    response = raw("GET", "/v1/models", headers={"Host": f"evil.example:{scripted.port}"})
    assert response.status_code == 421
    assert "KIMI_ORIGINS" in error(response)["message"]


def test_no_key_is_in_the_logs_or_the_page(raw: Raw, scripted: ScriptedProduct, key: str) -> None:
    raw("GET", "/v1/models", headers={"Authorization": "Bearer a-wrong-key-of-a-test"})
    ask(raw, "not a list")
    scripted.engine.script.status, scripted.engine.script.error = 500, "boom"
    ask(raw)
    written = "".join(path.read_text(errors="replace") for path in scripted.files.root.glob("*.log*"))
    engine_key = scripted.files.engine_key.read_text().strip()
    for secret in (key, engine_key, PERSONS_KEY, "a-wrong-key-of-a-test"):
        assert secret not in written
        assert secret not in raw("GET", "/").text
