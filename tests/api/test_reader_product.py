"""The whole product from `./start.sh` and the real reader, used by the plain OpenAI client with its own key."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
from collections.abc import Iterator

import openai
import psutil
import pytest
from openai import OpenAI

from engine.config import ROOT
from tests.api.asks import data_url, picture
from tests.api.conftest import PATIENCE
from tests.instruments.pictures import png, shop_sign
from tests.instruments.product import Product, running_product

SIGN = picture(data_url(png(shop_sign("TEA HOUSE", "since 1987"))))


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running_product(tmp_path_factory.mktemp("api product") / "workspace") as product:
        yield product


@pytest.fixture(scope="module")
def client(product: Product) -> Iterator[OpenAI]:
    made = product.run("key", "add", "notebook")
    assert made.returncode == 0, made.stderr
    with OpenAI(base_url=f"{product.url}/v1", api_key=made.stdout.strip(), timeout=PATIENCE) as client:
        yield client


def test_the_reader_reads_a_picture_for_a_program(client: OpenAI) -> None:
    [model] = client.models.list().data
    assert model.model_dump()["root"] == model.id
    whole = client.chat.completions.create(model=model.id, messages=SIGN)  # type: ignore[arg-type]
    assert "TEA HOUSE" in (whole.choices[0].message.content or "")
    assert whole.usage
    stream = client.chat.completions.create(model=model.id, messages=SIGN, stream=True)  # type: ignore[call-overload]
    assert "TEA HOUSE" in "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readmes_examples_work(client: OpenAI, product: Product, name: str) -> None:
    text = (ROOT / name).read_text().replace("127.0.0.1:8080", f"127.0.0.1:{product.port}")
    [example] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    known = {"openai": openai, "base64": base64, "key": client.api_key, "png": png(shop_sign("TEA HOUSE"))}
    exec(example.replace("client.chat", "answer = client.chat"), known)
    assert "TEA HOUSE" in known["answer"].choices[0].message.content  # type: ignore[attr-defined]
    known["client"].close()  # type: ignore[attr-defined]
    if not shutil.which("curl"):
        return
    [curl] = re.findall(r"^curl .*$", text, re.MULTILINE)
    printed = subprocess.run(
        ["bash", "-c", curl],
        env={**os.environ, "KEY": client.api_key},
        capture_output=True,
        check=True,
        timeout=PATIENCE,
    )
    assert b'"id":"reader"' in printed.stdout.replace(b" ", b"")


def test_a_picture_that_is_in_the_workspace_is_out_of_a_programs_reach(client: OpenAI, product: Product) -> None:
    theirs = product.workspace / "uploads" / "a-thread" / "sign.png"
    theirs.parent.mkdir()
    theirs.write_bytes(png(shop_sign("SECRET")))
    with pytest.raises(openai.BadRequestError, match="data: URLs"):
        client.chat.completions.create(model="reader", messages=picture(f"file://{theirs}"))  # type: ignore[arg-type]


def test_a_key_stops_when_it_is_removed(client: OpenAI, product: Product) -> None:
    key = product.run("key", "add", "second").stdout.strip()
    second = client.with_options(api_key=key)
    assert second.models.list().data
    assert product.run("key", "list").stdout.split() == ["notebook", "second"]
    assert product.run("key", "remove", "second").returncode == 0
    with pytest.raises(openai.AuthenticationError):
        second.models.list()
    assert client.models.list().data
    files = [path for path in product.workspace.rglob("*") if path.is_file() and path.suffix in {".log", ".json"}]
    assert not any(key in path.read_text(errors="replace") for path in files)


def test_a_program_whose_engine_is_killed_is_answered_by_the_next_one(client: OpenAI, product: Product) -> None:
    """The client retries by itself as long as it gets a 503."""
    psutil.Process(product.status()["engine"]["pid"]).kill()
    patient = client.with_options(max_retries=20)
    answer = patient.chat.completions.create(model="reader", messages=SIGN)  # type: ignore[arg-type]
    assert "TEA HOUSE" in (answer.choices[0].message.content or "")
