"""Which pictures the real vLLM takes, and that it fetches none."""

import random
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
from PIL import Image

from engine.nano.shapes import draw_shape
from tests.instruments.nano_server import PICTURES, data_url, picture_question, png, said
from tests.instruments.vllm_server import VllmServer

pytestmark = pytest.mark.vllm


def large(shape: str) -> Image.Image:
    """A shape that nobody could mistake."""
    return draw_shape(shape, random.Random(3), (240, 200))


@pytest.fixture
def star(vllm: VllmServer) -> Path:
    path = vllm.uploads / "star.png"
    path.write_bytes(png(large("star")))
    return path


async def test_by_file_and_by_data_url(vllm: VllmServer, star: Path) -> None:
    expected = ("I see a star.", "A star.")
    assert said(await vllm.ask(picture_question(star.as_uri()))) == expected
    assert said(await vllm.ask(picture_question(data_url(png(large("star")))))) == expected


@pytest.mark.parametrize("name", ["with space.png", "Küche 图.png", "100%25.png"])
async def test_names_that_need_escaping(vllm: VllmServer, name: str) -> None:
    (vllm.uploads / name).write_bytes(png(large("heart")))
    url = f"file://{quote(str(vllm.uploads / name))}"
    assert said(await vllm.ask(picture_question(url)))[1] == "A heart."


async def test_several_pictures(vllm: VllmServer) -> None:
    reasoning, answer = said(
        await vllm.ask(picture_question(data_url(png(large("star"))), data_url(png(large("ring")))))
    )
    assert reasoning.startswith("I see a ")
    assert answer.count(", ") == 1


async def test_too_many_pictures(vllm: VllmServer, star: Path) -> None:
    status, body = await vllm.send(picture_question(*[star.as_uri()] * (PICTURES + 1)))
    assert status == 400
    assert f"At most {PICTURES} image(s)" in body["error"]["message"]


async def test_nothing_outside_the_uploads_is_read(vllm: VllmServer, star: Path) -> None:
    outside = vllm.uploads.parent / "outside.png"
    outside.write_bytes(star.read_bytes())
    link = vllm.uploads / "link.png"
    link.symlink_to(outside)
    dots = f"file://{vllm.uploads}/../outside.png"
    for url in (outside.as_uri(), link.as_uri(), dots, "file:///etc/passwd"):
        status, body = await vllm.send(picture_question(url))
        assert status == 400
        assert "must be a subpath of" in body["error"]["message"]
    link.unlink()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("truncated.png", png(large("star"))[:300]),
        ("text.png", b"This is no picture."),
        ("empty.png", b""),
    ],
)
async def test_broken_files_are_the_askers_mistake(vllm: VllmServer, name: str, content: bytes) -> None:
    (vllm.uploads / name).write_bytes(content)
    status, body = await vllm.send(picture_question((vllm.uploads / name).as_uri()))
    assert status == 400
    assert "image" in body["error"]["message"]


async def test_a_missing_file_is_reported_without_harm(vllm: VllmServer, star: Path) -> None:
    status, _ = await vllm.send(picture_question((vllm.uploads / "missing.png").as_uri()))
    assert status == 500
    assert said(await vllm.ask(picture_question(star.as_uri())))[1] == "A star."


async def test_a_wide_picture(vllm: VllmServer, star: Path) -> None:
    assert said(await vllm.ask(picture_question(data_url(png(Image.new("RGB", (3000, 200), "teal"))))))[1]
    # More patches on a side than there are positions for.
    status, body = await vllm.send(picture_question(data_url(png(Image.new("RGB", (250_000, 28), "teal")))))
    assert status == 400
    assert "Failed to apply" in body["error"]["message"]
    assert said(await vllm.ask(picture_question(star.as_uri())))[1] == "A star."


@pytest.fixture
def web() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine that has a picture, a redirect to it, and a list of who came."""
    asked: list[str] = []
    picture = png(large("star"))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(302 if self.path == "/elsewhere" else 200)
            self.send_header("Location", "/star.png")
            self.end_headers()
            self.wfile.write(picture)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["/star.png", "/elsewhere"])
async def test_no_address_is_fetched(vllm: VllmServer, web: tuple[str, list[str]], path: str) -> None:
    address, asked = web
    for host in (address, address.replace("127.0.0.1", "localhost"), address.replace("127.0.0.1", "[::1]")):
        status, _ = await vllm.send(picture_question(host + path))
        assert status == 400
    assert asked == []
