"""Files are added with the button, pasted and dragged; unusable ones are rejected, each with its own sentence."""

from __future__ import annotations

import base64
import io
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import expect

from engine.engines.registry import ENGINES
from tests.browser.conftest import OpenPage
from tests.instruments.chat_page import ChatPage
from tests.instruments.pictures import jpeg, png, shop_sign
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct
from tests.instruments.videos import video
from tests.unit.app.files.test_pictures import pdf

MakePicture = Callable[[str, bytes], Path]


def save(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    shop_sign("川味小馆").save(file, kind, **options)
    return file.getvalue()


def sent_pictures(scripted: ScriptedProduct) -> list[Path]:
    """The files in the last message of the engine's last request."""
    content = scripted.engine.requests[-1]["messages"][-1]["content"]
    urls = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    return [Path(unquote(urlsplit(url).path)) for url in urls]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.png", save("PNG")), ("a.jpg", save("JPEG")), ("a.webp", save("WEBP")), ("a.gif", save("GIF")),
        ("a.bmp", save("BMP")), ("a.tiff", save("TIFF")), ("a.heic", save("HEIF")), ("a.pdf", pdf(1)),
    ],
)  # fmt: skip
def test_every_kind_of_picture_reaches_the_engine(
    scripted: ScriptedProduct, open_page: OpenPage, picture: MakePicture, name: str, data: bytes
) -> None:
    page = open_page(scripted.url)
    page.ask("Read it", [picture(name, data)])
    page.finished()
    [sent] = sent_pictures(scripted)
    assert sent.is_relative_to(scripted.files.uploads)
    with Image.open(sent) as stored:
        stored.load()
        assert stored.format in {"PNG", "JPEG"}
    shown = page.page.locator("img.inline-image, .inline-image img").last
    expect(shown).to_be_visible()
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100


def test_several_pictures_and_pages_in_one_question(
    scripted: ScriptedProduct, open_page: OpenPage, picture: MakePicture
) -> None:
    page = open_page(scripted.url)
    page.ask("Compare", [picture("3.pdf", pdf(3)), picture("one.png", save("PNG")), picture("two.jpg", save("JPEG"))])
    page.finished()
    assert len(sent_pictures(scripted)) == 5
    words = scripted.engine.requests[-1]["messages"][-1]["content"][-1]["text"]
    assert "1. 3.pdf (1); 2. 3.pdf (2); 3. 3.pdf (3); 4. one.png; 5. two.jpg" in words
    captions = [f"3.pdf · page {n} · {n} of 5" for n in (1, 2, 3)] + ["one.png · 4 of 5", "two.jpg · 5 of 5"]
    expect(page.questions.last.locator("figcaption")).to_have_text(captions)
    page.page.reload()
    expect(page.questions.last.locator("figcaption")).to_have_text(captions)


def test_the_model_looks_at_a_picture_while_the_question_is_typed(
    scripted: ScriptedProduct, open_page: OpenPage, picture: MakePicture
) -> None:
    scripted.plan(traits=replace(ENGINES["llama"].traits, side_requests=False))
    scripted.engine.script = Script(hold=True)
    page = open_page(scripted.url)
    page.attach(picture("shop.png", save("PNG")))
    expect(page.page.get_by_role("img", name="The model is looking at this")).to_be_visible()
    expect(page.page.get_by_text("The model is looking at shop.png")).to_have_attribute("aria-live", "polite")
    scripted.engine.script = Script()
    page.input.fill("What is this shop called?")
    page.press_send()
    scripted.thread.go()
    page.finished()
    ahead, asked = scripted.engine.requests
    assert ahead["max_tokens"] == 1
    assert ahead["messages"][-1]["content"] == asked["messages"][-1]["content"][:1]
    page.attach(picture("shop.png", save("JPEG")))
    expect(page.page.get_by_role("img", name=re.compile("has looked"))).to_be_visible()
    assert len(scripted.engine.requests) == 3
    kept = [*scripted.files.uploads.glob("*/*")]
    page.page.get_by_role("button", name="Remove this file").click()
    deadline = time.monotonic() + 20
    while len([*scripted.files.uploads.glob("*/*")]) == len(kept):
        assert time.monotonic() < deadline, "what was not sent is kept"
        time.sleep(0.05)


def test_a_picture_is_shown_large_before_and_after_it_is_sent(
    scripted: ScriptedProduct, open_page: OpenPage, picture: MakePicture
) -> None:
    page = open_page(scripted.url)
    page.attach(picture("a.png", save("PNG")))
    page.page.locator("#attachments").get_by_role("button", name="a.png").press("Enter")
    large = page.page.get_by_role("dialog", name="a.png")
    expect(large.locator("img")).to_be_visible()
    page.page.keyboard.press("Escape")
    expect(large).to_have_count(0)
    page.ask("What is it?")
    page.finished()
    expect(page.questions.last.locator("figcaption")).to_have_text("a.png")
    page.questions.last.get_by_role("button", name="a.png").press("Enter")
    expect(large.locator("img")).to_be_visible()


CORNERS = """mark => {
    const {x, y, width, height} = mark.getBBox(), matrix = mark.getScreenCTM();
    const picture = mark.closest("dialog").querySelector("img").getBoundingClientRect();
    return [[x, y], [x + width, y + height]].flatMap(([across, down]) => {
        const corner = new DOMPoint(across, down).matrixTransform(matrix);
        return [(corner.x - picture.x) / picture.width, (corner.y - picture.y) / picture.height];
    });
}"""
"""Two corners of a mark on the screen, as shares of the picture that is seen there."""


def test_what_an_answer_points_at_is_marked_in_its_picture(
    scripted: ScriptedProduct, open_page: OpenPage, picture: MakePicture
) -> None:
    label = "<b>the door</b>"
    points = f'[{{"bbox_2d": [0.25, 0.5, 0.75, 0.8], "label": "{label}"}}]\n\nThen click(x=0.1, y=0.2).'
    scripted.engine.script = Script(answer=[points])
    page = open_page(scripted.url)
    page.ask("Where is the door?", [picture("a.png", save("PNG"))])
    page.finished()
    for opened in ("when it is answered", "from the history"):
        if opened == "from the history":
            page.page.set_viewport_size({"width": 390, "height": 844})
            page.page.reload()
        page.button("Show in picture").press("Enter")
        viewer = page.page.get_by_role("dialog", name="a.png")
        area, point = viewer.locator("path").all()
        entries = viewer.get_by_role("listitem").get_by_role("button")
        expect(entries).to_have_text([label, "click"])
        for _ in range(2):
            assert area.evaluate(CORNERS) == pytest.approx([0.25, 0.5, 0.75, 0.8], abs=0.01)
            viewer.get_by_role("button", name="Larger").click()
        viewer.get_by_role("button", name="Smaller").click(click_count=2)
        area.hover()
        expect(entries.first).to_have_class("lit")
        entries.last.focus()
        expect(point).to_have_class("point lit")
        marks = viewer.get_by_role("button", name="Marks")
        marks.click()
        expect(area).to_be_hidden()
        marks.click()
        expect(area).to_be_visible()
        page.page.keyboard.press("Escape")
        expect(viewer).to_have_count(0)
        expect(page.button("Show in picture")).to_be_focused()


def test_a_picture_without_words(scripted: ScriptedProduct, open_page: OpenPage, picture: MakePicture) -> None:
    page = open_page(scripted.url)
    page.ask("", [picture("a.png", save("PNG"))])
    expect(page.answers.last).to_contain_text("An answer.")
    page.finished()
    assert [part["type"] for part in scripted.engine.requests[-1]["messages"][-1]["content"]] == ["image_url"]


def drop(page: ChatPage, event: str, target: str, data: bytes) -> None:
    """Pastes or drops a PNG file with the browser's event."""
    page.page.evaluate(
        """([event, target, base64]) => {
            const bytes = Uint8Array.from(atob(base64), character => character.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "pasted.png", {type: "image/png"}));
            const element = document.querySelector(target);
            if (event === "paste") {
                const pasted = {clipboardData: transfer, bubbles: true, cancelable: true};
                element.dispatchEvent(new ClipboardEvent("paste", pasted));
                return;
            }
            for (const type of ["dragenter", "dragover", "drop"]) {
                element.dispatchEvent(new DragEvent(type, {dataTransfer: transfer, bubbles: true, cancelable: true}));
            }
        }""",
        [event, target, base64.b64encode(data).decode()],
    )


@pytest.mark.parametrize(("event", "target"), [("paste", "body"), ("drop", "#chat-input")])
def test_paste_and_drag(scripted: ScriptedProduct, open_page: OpenPage, event: str, target: str) -> None:
    page = open_page(scripted.url)
    drop(page, event, target, save("PNG"))
    expect(page.page.locator("#attachments img")).to_have_count(1)
    page.page.evaluate("document.activeElement.blur()")
    page.page.keyboard.type("What is it?")
    expect(page.input).to_have_value("What is it?")
    page.ask("What is it?")
    page.finished()
    assert len(sent_pictures(scripted)) == 1


def test_an_unreadable_file_is_rejected_by_name_and_the_others_are_sent(
    scripted: ScriptedProduct, open_page: OpenPage, picture: MakePicture
) -> None:
    page = open_page(scripted.url)
    files = [
        picture("good.png", save("PNG")),
        picture("script.png", b"<svg onload='alert(1)'></svg>"),
        picture("cut.jpg", save("JPEG")[:4000]),
    ]
    page.ask("Read them", files)
    page.finished()
    expect(page.page.get_by_text("script.png is not a picture that can be read")).to_be_visible()
    expect(page.page.get_by_text("cut.jpg is damaged and cannot be read")).to_be_visible()
    expect(page.answers.last).to_contain_text("An answer.")
    assert len(sent_pictures(scripted)) == 1
    page.errors.clear()  # the browser could not draw the broken files either


def test_nothing_is_asked_when_nothing_is_left_of_the_question(
    scripted: ScriptedProduct, open_page: OpenPage, picture: MakePicture
) -> None:
    page = open_page(scripted.url)
    page.ask("", [picture("no.png", b"no picture")])
    expect(page.page.get_by_text("no.png is not a picture that can be read")).to_be_visible()
    page.finished()
    assert scripted.engine.requests == []
    page.errors.clear()


def test_a_picture_above_the_models_limit_is_scaled_to_exactly_it_and_the_page_says_so(
    scripted: ScriptedProduct, open_page: OpenPage, picture: MakePicture
) -> None:
    page = open_page(scripted.url)
    page.ask("Read it", [picture("photo.jpg", jpeg(shop_sign("川味小馆").resize((4000, 3000))))])
    page.finished()
    expect(page.notes.first).to_contain_text(
        re.compile(r"photo\.jpg was scaled from 4000 × 3000 to 10\d\d × 77\d, the most this model takes")
    )
    [sent] = sent_pictures(scripted)
    with Image.open(sent) as stored:
        assert 0.998 * 802_816 < stored.width * stored.height <= 802_816


def test_pages_of_a_long_pdf_are_left_out_and_that_is_reported(
    scripted: ScriptedProduct, open_page: OpenPage, picture: MakePicture
) -> None:
    page = open_page(scripted.url)
    page.ask("Read it", [picture("long.pdf", pdf(25))])
    page.finished()
    expect(page.notes.first).to_contain_text("long.pdf: the first 20 of 25 pages are used. For others, ask about")
    assert len(sent_pictures(scripted)) == 20
    page.ask("And what is on pages 21–30?")
    page.finished()
    expect(page.notes.filter(has_text="long.pdf: pages 21 to 25 of 25 are used.")).to_be_visible()
    expect(page.questions.last.locator("img")).to_have_count(5)
    images = [part for part in scripted.engine.requests[-1]["messages"][-1]["content"] if part["type"] == "image_url"]
    assert len(images) == 5


def test_the_same_picture_is_the_same_url_in_every_turn(
    scripted: ScriptedProduct, open_page: OpenPage, picture: MakePicture
) -> None:
    page = open_page(scripted.url)
    path = picture("a.png", png(shop_sign("一样")))
    page.ask("One", [path])
    page.finished()
    page.ask("Two", [path])
    expect(page.answers).to_have_count(2)
    page.finished()
    messages = scripted.engine.requests[-1]["messages"]
    urls = [m["content"][0]["image_url"]["url"] for m in messages if m["role"] == "user"]
    assert urls[0] == urls[1]


def test_an_edited_question_keeps_its_picture(
    scripted: ScriptedProduct, open_page: OpenPage, picture: MakePicture
) -> None:
    page = open_page(scripted.url)
    page.ask("One", [picture("a.png", png(shop_sign("图")))])
    page.finished()
    page.edit(page.questions.first, "Changed")
    page.finished()
    expect(page.answers).to_have_count(1)
    [image, words] = scripted.engine.requests[-1]["messages"][-1]["content"]
    assert image["type"] == "image_url"
    assert words["text"] == "Changed"


def test_a_video_is_a_strip_of_frames_and_a_time_in_the_answer_leads_to_its_frame(
    scripted: ScriptedProduct, open_page: OpenPage, picture: MakePicture
) -> None:
    scripted.engine.script.answer = ["It turns lime at 0:01, blue at **0:02** and `0:03`, not at 9:59."]
    page = open_page(scripted.url)
    page.ask("What happens?", [picture("clip.mp4", video(6, sound=True))])
    page.finished()
    told = [part.get("text", "frame") for part in scripted.engine.requests[-1]["messages"][-1]["content"]]
    assert told[:4] == ["Frame at 0:00:", "frame", "Frame at 0:01:", "frame"]
    assert told[-1] == "What happens?"
    expect(page.notes.filter(has_text="its sound is left out")).to_be_visible()
    page.page.reload()
    frames = page.questions.locator("[data-time]")
    expect(frames).to_have_count(6)
    expect(page.answers.get_by_role("link")).to_have_text(["0:01", "0:02"])
    page.answers.get_by_role("link", name="0:02").press("Enter")
    expect(frames.nth(2)).to_be_focused()
    expect(frames.nth(2)).to_be_in_viewport()
    assert frames.nth(2).get_attribute("data-time") == "0:02"
