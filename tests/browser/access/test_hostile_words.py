"""HTML in questions, thinking and answers is shown as text: it never runs, embeds frames or sends requests."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct

HOSTILE = """Before
<script>window.hacked = 1</script>
<img src="/nothing.png" onerror="window.hacked = 2">
<svg onload="window.hacked = 3"></svg>
<iframe src="/healthz" srcdoc="<script>parent.hacked = 4</script>"></iframe>
<form action="/logout" method="post"><button>Continue</button></form>
<style>body { display: none }</style>
<link rel="stylesheet" href="/nothing.css"><meta http-equiv="refresh" content="0; url=/nothing">
<div style="position: fixed; inset: 0" class="hostile">over all</div>

[a link](javascript:window.hacked=5) [another](data:text/html,<script>1</script>) ![p](javascript:1)

After"""


def test_html_from_a_model_or_a_person_never_runs(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    scripted.engine.script = Script(reasoning=[HOSTILE], answer=[HOSTILE[:300], HOSTILE[300:]])
    chat = open_page(scripted.url)
    chat.ask(HOSTILE)
    expect(chat.answers.last).to_contain_text("After")
    chat.finished()
    page = chat.page
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.querySelectorAll('iframe, .hostile, form[action], [onerror], [onload]').length") == 0
    assert page.evaluate(
        "[...document.querySelectorAll('style')].every(s => !s.textContent.includes('display: none }'))"
    )
    # All at once: the page may redraw a message between two queries for its links.
    links = page.locator("a[href]").evaluate_all("links => links.map(link => link.href)")
    assert links
    assert [link for link in links if link.startswith(("javascript:", "data:"))] == []
    assert page.url.startswith(scripted.url)
    expect(chat.input).to_be_visible()
