"""Makes the screenshots in docs/images: `python -m tests.browser.screenshots`. Needs a font with Chinese."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import expect, sync_playwright

from engine.config import ROOT
from tests.instruments.chat_page import ChatPage
from tests.instruments.chromium import launched
from tests.instruments.pictures import png, shop_sign
from tests.instruments.product import running_product

IMAGES = ROOT / "docs" / "images"
VIEWS: dict[str, dict[str, Any]] = {
    "page": {"viewport": {"width": 1100, "height": 760}},
    "page-zh": {"viewport": {"width": 1100, "height": 760}, "locale": "zh-CN"},
    "page-dark": {"viewport": {"width": 1100, "height": 760}, "color_scheme": "dark"},
    "page-phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "locale": "zh-CN"},
}


def main() -> None:
    """One picture for each view, on the product as `./start.sh` starts it."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running_product(Path(folder) / "workspace") as product:
        sign = Path(folder) / "sign.png"
        sign.write_bytes(png(shop_sign("川味小馆", "SICHUAN BISTRO · Tel: 010-8888 6666")))
        with sync_playwright() as playwright:
            browser = launched(playwright)
            for name, view in VIEWS.items():
                page = ChatPage(browser, product.url, **view).open()
                page.ask("图中店铺名称是什么？" if "locale" in view else "What is the name of the shop?", [sign])
                expect(page.answers.last).to_contain_text("川味小馆", timeout=60_000)
                page.finished()
                page.page.wait_for_timeout(1000)
                page.page.screenshot(path=IMAGES / f"{name}.png")
                if name == "page":
                    page.page.goto(f"{product.url}/status")
                    page.page.wait_for_timeout(3000)
                    page.page.screenshot(path=IMAGES / "status.png", full_page=True)
                page.close()
            browser.close()


if __name__ == "__main__":
    main()
