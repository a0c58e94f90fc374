"""The whole product, as `./start.sh` starts it: a picture in, thinking and answer out."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import psutil
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.instruments.pictures import jpeg, png, receipt, shop_sign
from tests.instruments.product import Product

MakePicture = Callable[[str, bytes], Path]


def test_the_name_of_a_shop_is_read_from_its_sign(product: Product, open_page: OpenPage, picture: MakePicture) -> None:
    page = open_page(product.url)
    page.ask("图中店铺名称是什么?", [picture("招牌 1.png", png(shop_sign("川味小馆", "欢迎光临")))])
    expect(page.answers.last).to_contain_text("川味小馆")
    page.finished()
    expect(page.steps.first).to_contain_text(re.compile(r"Read in \d+ s"))
    page.steps.first.get_by_role("button").click()
    expect(page.steps.first.locator(".message-content, .prose").first).not_to_be_empty()
    expect(page.notes.last).to_contain_text(re.compile(r"reader · \d+\.\d s$"))
    [stored] = [path for path in (product.workspace / "uploads").rglob("*") if path.is_file()]
    assert re.fullmatch(r"[0-9a-f]{64}\.png", stored.name)


def test_a_follow_up_still_sees_the_picture(product: Product, open_page: OpenPage, picture: MakePicture) -> None:
    page = open_page(product.url)
    page.ask("Read all the text in the image.", [picture("sign.jpg", jpeg(shop_sign("TEA HOUSE", "since 1987")))])
    expect(page.answers.last).to_contain_text("1987")
    page.finished()
    page.ask("What is the name of the shop?")
    expect(page.answers.nth(1)).to_contain_text("TEA HOUSE")
    page.finished()


def test_a_pdf_of_twenty_pages_is_taken_whole_and_shown_page_by_page(
    product: Product, open_page: OpenPage, picture: MakePicture
) -> None:
    # Four different pages, five times: what is read for the first of them is known for the others.
    first, *others = [shop_sign(f"PAGE {number % 4}") for number in range(20)]
    pages = BytesIO()
    first.save(pages, "PDF", resolution=200, save_all=True, append_images=others)
    page = open_page(product.url)
    page.page.evaluate(
        """() => { window.seen = new Set(); new MutationObserver(() => seen.add(
            (document.body.innerText.match(/Picture \\d+:/g) ?? []).length)).observe(document.body,
            {childList: true, subtree: true, characterData: true}) }"""
    )
    page.ask("Read all the text in the image.", [picture("list.pdf", pages.getvalue())])
    page.finished()
    expect(page.answers.last).to_contain_text("Picture 20:")
    expect(page.page.get_by_text("pages are used")).to_have_count(0)
    assert page.page.evaluate("seen.size") > 3


def test_a_starter_works_without_a_file(product: Product, open_page: OpenPage) -> None:
    page = open_page(product.url)
    page.page.get_by_role("button", name="What is this shop called?").click()
    expect(page.answers.last).to_contain_text("川味小馆")
    page.finished()


def test_a_question_asked_while_the_engine_is_killed_is_answered(
    product: Product, open_page: OpenPage, picture: MakePicture
) -> None:
    page = open_page(product.url)
    before = product.status()["engine"]
    psutil.Process(before["pid"]).kill()
    page.ask("Read all the text in the image.", [picture("sign.png", png(shop_sign("NIGHT MARKET")))])
    expect(page.answers.last).to_contain_text("NIGHT MARKET", timeout=120_000)
    page.finished()
    after = product.status()["engine"]
    assert after["pid"] != before["pid"]
    assert after["restarts"] == before["restarts"] + 1


def test_at_the_token_limit_the_reader_continues_where_it_ended(
    product: Product, open_page: OpenPage, picture: MakePicture
) -> None:
    page = open_page(product.url)
    page.settings_button.click()
    panel = page.page.get_by_role("dialog")
    panel.get_by_label("Longest answer", exact=True).fill("300")
    panel.get_by_role("button", name="Save").click()
    words = [f"row number {n} of the list" for n in range(20)]
    rows = receipt("A LONG LIST", [(line, "1.00") for line in words])
    page.ask("Read all the text in the image.", [picture("list.png", png(rows))])
    page.finished()
    expect(page.notes.last).to_contain_text("token limit reached")
    shown = page.answers.last.locator(".message-content").first
    cut = shown.inner_text()
    page.press("Continue")
    page.finished()
    assert len(shown.inner_text()) > len(cut)
    assert shown.inner_text().startswith(cut.rstrip())
