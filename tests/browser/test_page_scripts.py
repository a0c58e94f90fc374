"""The page's own scripts in Chromium, without a server: LaTeX, sending, the engine's state, a hidden tab, copying."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from app.frontend import words
from engine.config import ROOT
from tests.instruments.chromium import Chromium

pytestmark = pytest.mark.browser

ADDRESS = "http://page.test/"
"""Every request to it is answered by the test; as on a home network, it is no secure context."""

_PAGE = f"""<!doctype html>
<head>
  <title>Chat</title>
  <script>window.theme = {{ light: {{}}, dark: {{}} }}; {words.script()}</script>
  <script src="/boot.js"></script>
  <script src="/page.js" defer></script>
  <script src="/names.js" defer></script>
  <script src="/frames.js" defer></script>
  <script src="/markdown.js" defer></script>
  <script src="/sending.js" defer></script>
  <script src="/notices.js" defer></script>
  <script src="/tab.js" defer></script>
  <script src="/draft-store.js" defer></script>
  <script src="/ahead.js" defer></script>
  <script src="/drafts.js" defer></script>
  <script src="/files.js" defer></script>
  <script src="/typing.js" defer></script>
  <script src="/chat-list.js" defer></script>
  <script src="/banner.js" defer></script>
  <script src="/engine-words.js" defer></script>
  <link rel="stylesheet" href="/style.css">
</head>
<body><p>The chat</p></body>
"""


@pytest.fixture(scope="module")
def chromium(chromium_process: Chromium) -> Browser:
    return chromium_process.browser()


class Stage:
    """A page with our scripts, and the engine whose status the test sets."""

    def __init__(self, browser: Browser, locale: str = "en-US") -> None:
        self.engine: dict[str, Any] = {"state": "ready", "phase": "", "percent": None, "note": "", "since": ""}
        self.coming: dict[str, Any] = {"state": ""}
        self.person = "anna"
        self.said: list[str] = []
        self.uploads: list[str] = []
        self.signed_in = True
        self.retries = 0
        self.retry_status = 202
        self.page: Page = browser.new_context(locale=locale).new_page()
        self.page.context.route(f"{ADDRESS}**", self._answer)

    def open(self) -> Page:
        self.page.goto(ADDRESS)
        return self.page

    def another_tab(self) -> Page:
        """A tab of the same browser, with the page."""
        page = self.page.context.new_page()
        page.goto(ADDRESS)
        return page

    def stop_the_clock(self, at: str = "2026-11-21T10:01:05Z") -> None:
        """Time passes only with `page.clock.run_for`; call this before the page is opened."""
        self.page.clock.install(time="2026-11-21T09:00:00Z")
        self.page.clock.pause_at(at)

    def _answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(ADDRESS).partition("?")[0]
        if path == "":
            route.fulfill(content_type="text/html; charset=utf-8", body=_PAGE)
        elif path == "boot.js":
            route.fulfill(path=ROOT / "app" / "frontend" / path)
        elif path == "api/status":
            route.fulfill(json={"engine": self.engine, "coming": self.coming, "person": self.person})
        elif path == "user":
            route.fulfill(status=200 if self.signed_in else 401, json={})
        elif path == "login":
            route.fulfill(content_type="text/html", body="the login")
        elif path == "project/file":
            self.uploads.append(route.request.url.partition("?")[2])
            route.fulfill(json={"id": f"file{len(self.uploads)}"})
        elif path == "api/download":
            self.said.append(route.request.post_data_json["answer"])
            route.fulfill(status=202, json={"status": "noted"})
        elif path == "api/retry":
            self.retries += 1
            route.fulfill(status=self.retry_status, json={"detail": "The engine cannot be started from here."})
        else:
            route.fulfill(path=ROOT / "public" / path)


@pytest.fixture
def stage(chromium: Browser) -> Iterator[Stage]:
    stage = Stage(chromium)
    yield stage
    stage.page.context.close()


# ------------------------------------------------------------------------------------------------------------- Sending

_SOCKETS = """
window.asked = [];
window.socket = (connected, reply) => ({
  connected,
  auth: { sessionId: "s" },
  emit(event, payload, ack) {
    asked.push(`${payload.message.id} ${payload.fileReferences.map(({ id }) => id)}`);
    const said = reply(payload);
    if (said) ack(said);
  },
});
window.message = (id) => ({ message: { id, output: `words of ${id}` }, fileReferences: [] });
"""


def test_a_question_is_sent_on_every_connection_until_the_server_has_it(stage: Stage) -> None:
    page = stage.open()
    page.evaluate(_SOCKETS)
    page.evaluate("kimi.send(socket(false), message('a'), alert)")
    page.evaluate("kimi.send(undefined, message('b'), alert)")
    assert page.evaluate("asked") == []
    page.evaluate("kimi.sendAgain(socket(true, () => null))")
    page.evaluate("kimi.sendAgain(socket(true, ({ message }) => message.id === 'a' && {}))")
    assert page.evaluate("kimi.unsent().map(({ id }) => id)") == ["b"]
    page.evaluate("kimi.sendAgain(socket(true, () => ({})))")
    page.evaluate("kimi.sendAgain(socket(true, () => ({})))")
    assert page.evaluate("asked") == ["a ", "b ", "a ", "b ", "b "]


def test_a_question_that_could_not_be_sent_goes_back_into_the_composer_when_its_chat_is_left(stage: Stage) -> None:
    page = stage.open()
    page.evaluate(_SOCKETS)
    page.evaluate("kimi.send(socket(false), message('a'), alert)")
    page.evaluate("kimi.forget(socket(false))")
    page.evaluate("kimi.sendAgain(socket(true, () => ({})))")
    assert page.evaluate("[asked, kimi.draft]") == [[], "words of a"]
    page.evaluate("kimi.send(socket(true, () => null), message('b'), alert)")
    page.evaluate("kimi.forget(socket(true))")
    assert page.evaluate("[asked, kimi.draft]") == [["b "], "words of a"]


def test_files_that_the_server_has_lost_are_uploaded_again(stage: Stage) -> None:
    page = stage.open()
    page.evaluate(_SOCKETS)
    page.evaluate("kimi.keepFile('old', new File(['x'], 'a.png'))")
    page.evaluate("""kimi.send(
        socket(true, ({ fileReferences: [file, kept] }) => (file.id === "old" ? { missing: ["old"] } : {})),
        { ...message("a"), fileReferences: [{ id: "old" }, { id: "kept" }] },
        alert,
    )""")
    page.wait_for_function("asked.length === 2 && !kimi.unsent().length")
    assert page.evaluate("asked") == ["a old,kept", "a file1,kept"]
    assert stage.uploads == ["session_id=s"]


def test_a_page_that_the_server_sends_away_connects_again_or_shows_the_login(stage: Stage) -> None:
    page = stage.open()
    page.evaluate("window.connected = 0; kimi.sentAway({ connect: () => (connected += 1) })")
    page.wait_for_function("connected === 1")
    stage.signed_in = False
    page.evaluate("kimi.sentAway({ connect: () => (connected += 1) })")
    page.wait_for_url(f"{ADDRESS}login")


_WATCHED = """
    window.connected = [];
    window.watched = (name) => {
        const handlers = {};
        kimi.watchConnection({
            on: (event, handler) => (handlers[event] = handler),
            connect: () => connected.push(name),
        });
        return (event, reason) => handlers[event](reason);
    };
"""


def test_a_window_that_was_one_too_many_does_not_connect_again(stage: Stage) -> None:
    page = stage.open()
    page.evaluate(_WATCHED)
    page.evaluate("""
        const tooMany = watched("too many"), lost = watched("lost"), other = watched("other");
        tooMany("too_many_windows");
        tooMany("disconnect", "io server disconnect");
        lost("disconnect", "transport close");
        other("disconnect", "io server disconnect");
    """)
    page.wait_for_function("connected.length")
    page.wait_for_timeout(300)
    assert page.evaluate("connected") == ["other"]


def test_of_several_connections_the_last_one_counts(stage: Stage) -> None:
    page = stage.open()
    page.evaluate("window.made = []")
    page.evaluate("kimi.connect((name) => made.push(name), 'first'); kimi.connect((name) => made.push(name), 'second')")
    page.wait_for_function("made.length")
    page.wait_for_timeout(300)
    assert page.evaluate("made") == ["second"]
    overtaken = "const first = kimi.connecting(); const second = kimi.connecting(); return [first(), second()]"
    assert page.evaluate(f"(() => {{ {overtaken} }})()") == [True, False]


# --------------------------------------------------------------------------------------------------------------- LaTeX

DRAWN = [
    # Money, shells and escapes stay as they are.
    ("$5 and $6", "$5 and $6"),
    ("from $5-$6 to US$7, 3$ and 4$", "from $5-$6 to US$7, 3$ and 4$"),
    ("价格$5到$6", "价格$5到$6"),
    ("$PATH:$HOME and $HOME_DIR$", "$PATH:$HOME and $HOME_DIR$"),
    (r"\$5 and \$6", r"\$5 and \$6"),
    (r"a\\(b\\) and \\[c\\]", r"a\\(b\\) and \\[c\\]"),
    # Inline.
    (r"so \(E = mc^2\).", "so $$E = mc^2$$."),
    ("so $x^2$, the $n$-th, $3$ and $a+b$", "so $$x^2$$, the $$n$$-th, $$3$$ and $$a+b$$"),
    ("设$x$为", "设$$x$$为"),
    ("\\(a +\n b\\)", "$$a + b$$"),
    ("inside $$x$$ a line", "inside $$x$$ a line"),
    # On lines of its own, wherever that is.
    ("\\[x\\]", "$$\nx\n$$"),
    ("\\[\nx \\\\\ny\n\\]", "$$\nx \\\\\ny\n$$"),
    ("$$x$$", "$$\nx\n$$"),
    ("$$\nx\n$$", "$$\nx\n$$"),
    ("- a\n  \\[\n  x\n  \\]\n- b", "- a\n  $$\n  x\n  $$\n- b"),
    ("> \\[\n> x\n> \\]", "> $$\n> x\n> $$"),
    # Not alone on its line: a block would tear the sentence or the table apart.
    ("so \\[x\\] holds", "so $$\\displaystyle x$$ holds"),
    ("| \\[x\\] | $a_1$ |", "| $$\\displaystyle x$$ | $$a_1$$ |"),
    # Code is code.
    ("`\\(x\\)`, ``a ` $x$`` and $x$", "`\\(x\\)`, ``a ` $x$`` and $$x$$"),
    ("```py\n$x$ \\(y\\)\n```\n$x$", "```py\n$x$ \\(y\\)\n```\n$$x$$"),
    ("~~~\n$x$\n~~~\n$x$", "~~~\n$x$\n~~~\n$$x$$"),
    ("````\n```\n$x$\n```\n````\n$x$", "````\n```\n$x$\n```\n````\n$$x$$"),
    ("- ```\n  $x$\n  ```\n- $x$", "- ```\n  $x$\n  ```\n- $$x$$"),
    ("```markdown\n```python\n$x$\n``` \n$x$", "```markdown\n```python\n$x$\n``` \n$$x$$"),
    ("```x``` and\n$x$", "```x``` and\n$$x$$"),
    # A dollar in a formula, and an environment without delimiters.
    (r"so $p=25.6\$$ a piece", r"so $$p=25.6\text{\textdollar}$$ a piece"),
    (
        "\\begin{aligned}\na &= b \\\\\nc &= d\n\\end{aligned}",
        "$$\n\\begin{aligned}\na &= b \\\\\nc &= d\n\\end{aligned}\n$$",
    ),
    (r"so \begin{cases}x\end{cases}", r"so $$\displaystyle \begin{cases}x\end{cases}$$"),
    ("`\\begin{align}x\\end{align}`", "`\\begin{align}x\\end{align}`"),
    # Bold between Chinese letters and marks; what is bold anyway stays as it is.
    ("招牌写着**“豫园”**。", "招牌写&#30528;**“豫园”**。"),
    ("**“豫园”**是**《书》**里的", "**“豫园”**&#26159;**《书》**&#37324;的"),
    ("是**豫园**。", "是**豫园**。"),
    ("`着**“豫园”**是`\n着** “a”**", "`着**“豫园”**是`\n着** “a”**"),
    ("a**(b)**c", "a**(b)**c"),
    # Line breaks in HTML.
    ("| a<br>b | <br/>c |", "| a&#10;b |&#10;c |"),
    ("> a<br>b<br />\n> c", "> a  \n> b  \n> c"),
    ("<br>\n`<br>`", "\n`<br>`"),
    # Still being written.
    ("```\n$x$", "```\n$x$"),
    ("a\\ <br>b", "a\\   \nb"),
    ("\\begin{aligned}\nx", "\\begin{aligned}\nx"),
    ("着**“豫", "着**“豫"),
    ("\\[ x", "\\[ x"),
    ("so \\(x", "so \\(x"),
    ("$$\nx", "$$\nx"),
]


def test_latex_is_drawn_with_any_delimiters_and_all_else_is_left_alone(stage: Stage) -> None:
    drawn = stage.open().evaluate("sources => sources.map(kimi.markdown)", [source for source, _ in DRAWN])
    assert dict(zip((source for source, _ in DRAWN), drawn, strict=True)) == dict(DRAWN)


@pytest.mark.parametrize(
    "unclosed",
    [
        "\\[ ", "\\( ", "$ ", "` ", "$$ ", "```\n~~~\n", "\\[ \\( $ ` ", "<br> ", "着**“a ", "\\begin{align} ",
        # Long runs of spaces: outside a formula, and in one.
        f"<br>a{100_000 * ' '}b", f"so $$a{100_000 * ' '}b$$",
    ],
)  # fmt: skip
def test_delimiters_that_are_never_closed_cost_no_more_than_a_frame(stage: Stage, unclosed: str) -> None:
    source = unclosed * (5000 if len(unclosed) < 100 else 1)
    milliseconds = stage.open().evaluate(
        "source => { const start = performance.now(); kimi.markdown(source); return performance.now() - start; }",
        source,
    )
    # Generous: a search that grows with the square of the text takes minutes here.
    assert milliseconds < 5000


PARAGRAPHS = "".join(f"This is paragraph {n}, and it says nothing at all.\n\n" for n in range(60))
NESTED = f"```markdown\nIn it:\n```python\n\n{PARAGRAPHS}```"


@pytest.mark.parametrize(
    ("source", "whole"),
    [
        (PARAGRAPHS, ""),
        (PARAGRAPHS + "```\nCode.\n\nMore of it.\n" + PARAGRAPHS + "```\n\n" + PARAGRAPHS, PARAGRAPHS + "```"),
        (PARAGRAPHS + NESTED + "\n\n" + PARAGRAPHS, NESTED),
        (PARAGRAPHS + "\\[\nx\n\n" + PARAGRAPHS + "\\]\n\n" + PARAGRAPHS, PARAGRAPHS + "\\]"),
        (PARAGRAPHS + "$$\nx\n\n" + PARAGRAPHS + "$$\n\n" + PARAGRAPHS, PARAGRAPHS + "$$"),
        (PARAGRAPHS + "- An item\n\n" * 300 + PARAGRAPHS, "- An item\n\n" * 300),
        (PARAGRAPHS + "> A quotation\n\n" * 300 + PARAGRAPHS, "> A quotation\n\n" * 300),
        (PARAGRAPHS + "See [here].\n\n[here]: https://example.org\n", PARAGRAPHS + "See [here]."),
        (PARAGRAPHS + "A note[^1].\n\n[^1]: Said below.\n", PARAGRAPHS + "A note[^1]."),
    ],
    ids=["paragraphs", "code", "nested", "brackets", "dollars", "list", "quotation", "reference", "footnote"],
)
def test_a_long_message_is_cut_where_nothing_reaches_across_and_its_first_parts_stay(
    stage: Stage, source: str, whole: str
) -> None:
    cuts = sorted({*range(0, len(source), 397), len(source)})
    page = stage.open()
    grown = page.evaluate(
        "([source, cuts]) => cuts.map((to) => kimi.message.parts(source.slice(0, to)))", [source, cuts]
    )
    for to, parts in zip(cuts, grown, strict=True):
        assert "".join(parts) == source[:to]
    assert any(whole in part for part in grown[-1])
    if "[here]" not in source and "[^1]" not in source:
        assert len(grown[-1]) > 2
        for earlier, later in pairwise(grown):
            # What is complete does not change any more; only the last part grows.
            assert later[: len(earlier) - 1] == earlier[:-1]


@pytest.mark.parametrize(
    "closed",
    [
        "```x``` is no fence.",
        "````\n```\n````",
        "~~~\n```\n~~~ \t",
        "```sh\necho $$ '\\['\n```",
        "The shell's number is `$$`, and ``a ` \\[`` is code\nas `$$\n\\[` is.",
        "$$\na \\\\[4pt]\nb\n$$",
        "\\[\na \\\\[4pt]\nb\n\\]",
        r"A dollar \$$x$.",
    ],
)
def test_what_only_looks_like_a_fence_or_a_formula_keeps_no_message_from_being_cut(stage: Stage, closed: str) -> None:
    before = PARAGRAPHS + closed + "\n\n"
    parts = stage.open().evaluate("source => kimi.message.parts(source)", before + PARAGRAPHS)
    assert "".join(parts) == before + PARAGRAPHS
    # As many cuts after it as there are with nothing in between.
    assert len([part for part in parts if closed not in part]) >= 4
    assert max(map(len, parts)) < 2500


def test_a_part_of_a_message_that_has_not_changed_is_the_very_same_element(stage: Stage) -> None:
    same = stage.open().evaluate(
        """(source) => {
          const jsx = (type, props, key) => ({ type, props, key });
          const [kept, props] = [{ current: [] }, { components: {} }];
          const draw = (text, how) => kimi.message(jsx, "Markdown", kept, "prose", how, text).props.children;
          const [first, second] = [draw(source, props), draw(source + "And on.", props)];
          const other = draw(source, { components: {} });
          return [second.map((part, at) => part === first[at]), other.some((part, at) => part === first[at])];
        }""",
        PARAGRAPHS,
    )
    assert same == [[*[True] * (len(same[0]) - 1), False], False]
    assert len(same[0]) > 1


# --------------------------------------------------------------------------------------------------------------- Words


def test_the_words_are_those_of_the_browsers_language(chromium: Browser) -> None:
    said = {}
    for locale in ("en-US", "zh-CN"):
        page = Stage(chromium, locale).open()
        said[locale] = page.evaluate("[document.documentElement.lang, kimi.text.send]")
        page.context.close()
    assert said == {"en-US": ["en", "Send"], "zh-CN": ["zh-CN", "发送"]}


def test_a_button_with_an_icon_alone_has_a_name_also_when_it_becomes_another(stage: Stage) -> None:
    page = stage.open()
    page.evaluate(
        """document.body.insertAdjacentHTML("beforeend",
            "<div><button id=chat-submit></button><p>Hi<button class='edit-message'></button></p></div>")"""
    )
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Edit this question")).to_be_visible()
    page.evaluate("document.getElementById('chat-submit').id = 'stop-button'")
    expect(page.get_by_role("button", name="Stop answering")).to_be_visible()
    expect(page.get_by_role("button", name="Send", exact=True)).to_have_count(0)


def test_a_refused_file_is_named_with_the_reason(stage: Stage) -> None:
    rejection = [
        {"file": {"name": "a.txt"}, "errors": [{"code": "file-invalid-type"}]},
        {"file": {"name": "b.png"}, "errors": [{"code": "file-too-large"}]},
    ]
    told = stage.open().evaluate("files => kimi.refused(files, { max_size_mb: 64 })", rejection)
    wrong, large = told.split("\n")
    assert wrong.startswith("a.txt can't be read")
    assert large.startswith("b.png is larger than 64 MB")


# -------------------------------------------------------------------------------------------------------------- Banner


def test_a_ready_engine_needs_no_banner(stage: Stage) -> None:
    with stage.page.expect_response("**/api/status"):
        page = stage.open()
    expect(page.locator(".engine-banner")).to_be_hidden()


def test_the_message_box_says_what_the_engine_can_do(stage: Stage) -> None:
    stage.engine["reads"] = True
    page = stage.open()
    page.evaluate(
        """document.body.append(
          Object.assign(document.createElement("textarea"), { id: "chat-input", placeholder: "Ask" })
        )"""
    )
    expect(page.locator("#chat-input")).to_have_attribute("placeholder", "Add a picture, and ask for its text…")
    page.evaluate("document.documentElement.removeAttribute('data-reads')")
    expect(page.locator("#chat-input")).to_have_attribute("placeholder", "Ask")


def test_a_start_is_shown_with_phase_per_cent_and_time_and_goes_when_it_is_over(stage: Stage) -> None:
    stage.stop_the_clock()
    stage.engine |= {
        "state": "starting",
        "phase": "loading weights",
        "percent": 41.7,
        "since": "2026-11-21T10:00:00+00:00",
    }
    page = stage.open()
    banner = page.locator(".engine-banner")
    expect(banner).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("The engine is starting: loading weights")
    expect(page.get_by_role("progressbar")).to_have_js_property("value", 41.7)
    expect(banner).to_contain_text("42 % · 1 min 5 s")
    stage.engine |= {"state": "ready", "phase": "", "percent": None}
    page.clock.run_for(2000)
    expect(banner).to_be_hidden()


def test_text_that_changes_every_second_is_not_read_out(stage: Stage) -> None:
    stage.engine |= {"state": "starting", "phase": "warming up", "percent": 10, "since": "2026-11-21T10:00:00+00:00"}
    page = stage.open()
    expect(page.locator(".engine-banner")).to_be_visible()
    assert page.get_by_role("status").inner_text() == "The engine is starting: warming up"
    assert page.locator(".engine-banner-figures").get_attribute("aria-hidden") == "true"


def test_a_failed_engine_says_why_and_retry_asks_for_another_start(stage: Stage) -> None:
    stage.stop_the_clock()
    stage.engine |= {"state": "failed", "phase": "The weights are missing.", "since": "2026-11-21T10:00:00+00:00"}
    page = stage.open()
    expect(page.get_by_role("status")).to_have_text("The engine could not be started: The weights are missing.")
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("button", name="Restarting…")).to_be_disabled()
    assert stage.retries == 1
    stage.engine |= {"state": "starting", "phase": ""}
    page.clock.run_for(2000)
    expect(page.get_by_role("status")).to_have_text("The engine is starting")


def test_an_impossible_retry_is_reported(stage: Stage) -> None:
    stage.engine |= {"state": "failed", "phase": "Gone.", "since": "2026-11-21T10:00:00+00:00"}
    stage.retry_status = 503
    stage.stop_the_clock()
    page = stage.open()
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("status")).to_have_text("The engine cannot be started from here.")


def test_the_note_about_the_reader_stays_away_once_dismissed(stage: Stage) -> None:
    stage.engine["note"] = "reader.auto"
    page = stage.open()
    expect(page.get_by_role("status")).to_contain_text("the reader answers")
    page.get_by_role("button", name="Do not show this again").click()
    expect(page.locator(".engine-banner")).to_be_hidden()
    with page.expect_response("**/api/status"):
        page.reload()
    expect(page.locator(".engine-banner")).to_be_hidden()
    # Another person has not dismissed it, and something new is shown to everyone.
    stage.person = "bert"
    page.reload()
    expect(page.locator(".engine-banner")).to_be_visible()
    stage.person, stage.engine["why"] = "anna", "The driver is too old."
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("The driver is too old.")


COMING = {"title": "Kimi-VL", "total": 11_200_000_000, "done": 0, "speed": None, "reason": "", "may": True}


def test_a_download_is_asked_for_with_its_size_told_how_it_goes_and_can_be_stopped(stage: Stage) -> None:
    stage.engine["note"] = "reader.meanwhile"
    stage.coming = COMING | {"state": "asking"}
    stage.stop_the_clock()
    page = stage.open()
    expect(page.get_by_role("status")).to_contain_text("Kimi-VL could answer on this machine")
    expect(page.get_by_role("status")).to_contain_text("a download of 11.2 GB")
    page.get_by_role("button", name="Download").click()
    expect(page.get_by_role("status")).to_contain_text("is being downloaded; the reader answers meanwhile")
    assert stage.said == ["yes"]
    stage.coming |= {"state": "fetching", "done": 2_800_000_000, "speed": 14_000_000.0}
    page.clock.run_for(10_000)
    expect(page.locator(".engine-banner-figures")).to_have_text("25 % · 14.0 MB/s · 10 min 0 s left")
    page.get_by_role("button", name="Stop the download").click()
    expect(page.get_by_role("button", name="Download")).to_be_visible()
    assert stage.said == ["yes", "no"]


def test_not_now_leaves_the_banner_away(stage: Stage) -> None:
    stage.coming = COMING | {"state": "asking"}
    page = stage.open()
    page.get_by_role("button", name="Not now").click()
    expect(page.locator(".engine-banner")).to_be_hidden()
    stage.coming |= {"state": "declined"}
    with page.expect_response("**/api/status"):
        page.reload()
    expect(page.locator(".engine-banner")).to_be_hidden()


def test_not_now_is_forgotten_with_the_tab(stage: Stage) -> None:
    stage.coming = COMING | {"state": "asking"}
    page = stage.open()
    page.get_by_role("button", name="Not now").click()
    expect(page.locator(".engine-banner")).to_be_hidden()
    stage.coming |= {"state": "declined"}
    stage.page = page.context.new_page()
    stage.page.route(f"{ADDRESS}**", stage._answer)
    expect(stage.open().get_by_role("button", name="Download")).to_be_visible()


def test_a_failure_that_was_dismissed_hides_no_other_one(stage: Stage) -> None:
    stage.coming = COMING | {"state": "failed", "reason": "huggingface.co can't be reached."}
    page = stage.open()
    page.get_by_role("button", name="Do not show this again").click()
    expect(page.locator(".engine-banner")).to_be_hidden()
    with page.expect_response("**/api/status"):
        page.reload()
    expect(page.locator(".engine-banner")).to_be_hidden()
    stage.coming |= {"reason": "The disk is full."}
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("The disk is full.")


def test_a_size_is_written_in_the_pages_language(chromium: Browser) -> None:
    # A browser in German shows the page in English.
    stage = Stage(chromium, "de-DE")
    stage.coming = COMING | {"state": "asking", "total": 999_999_999}
    expect(stage.open().get_by_role("status")).to_contain_text("1,000 MB")
    stage.page.context.close()


def test_one_who_may_not_decide_sees_only_how_it_goes(stage: Stage) -> None:
    stage.coming = COMING | {"state": "asking", "may": False}
    stage.stop_the_clock()
    page = stage.open()
    expect(page.locator(".engine-banner")).to_be_hidden()
    stage.coming |= {"state": "fetching", "done": 1_120_000_000}
    page.clock.run_for(10_000)
    expect(page.get_by_role("status")).to_contain_text("is being downloaded")
    expect(page.get_by_role("button", name="Stop the download")).to_be_hidden()


def test_a_toast_says_that_it_is_ready_to_those_who_saw_it_come(stage: Stage) -> None:
    stage.coming = COMING | {"state": "loading"}
    stage.stop_the_clock()
    page = stage.open()
    expect(page.get_by_role("status")).to_contain_text("is here and loads")
    stage.coming |= {"state": "ready"}
    page.clock.run_for(3_000)
    expect(page.get_by_role("status")).to_contain_text("is ready: new questions go to it")
    page.clock.run_for(20_000)
    expect(page.locator(".engine-banner")).to_be_hidden()
    page.reload()
    page.clock.run_for(3_000)
    expect(page.locator(".engine-banner")).to_be_hidden()


def test_a_download_that_failed_says_why_and_is_tried_again(stage: Stage) -> None:
    stage.coming = COMING | {"state": "failed", "reason": "huggingface.co can't be reached."}
    page = stage.open()
    expect(page.get_by_role("status")).to_have_text(
        "Kimi-VL could not be brought here: huggingface.co can't be reached."
    )
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("status")).to_contain_text("is being downloaded")
    assert stage.said == ["yes"]


def test_the_banner_speaks_chinese(chromium: Browser) -> None:
    stage = Stage(chromium, "zh-CN")
    stage.engine |= {"state": "starting", "phase": "加载权重", "percent": 5, "since": "2026-11-21T10:00:00+00:00"}
    expect(stage.open().get_by_role("status")).to_have_text("引擎正在启动：加载权重")
    stage.page.context.close()


# ------------------------------------------------------------------------------------------------- Hidden tab, copying


SOCKET = """() => {
  const heard = {};
  window.toasts = [];
  const toast = (words, options) => toasts.push([words, options]);
  Object.assign(toast, { error: toast, dismiss: (id) => toasts.push(["dismissed", id]) });
  kimi.notices.connected({ on: (event, handle) => (heard[event] = handle) }, toast);
  window.hears = (event, data) => heard[event](data);
  window.hide = (hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  };
}"""


def test_an_answer_that_ends_in_a_hidden_tab_marks_the_title_until_it_is_seen(stage: Stage) -> None:
    page = stage.open()
    page.evaluate(SOCKET)
    # The server ends the turn of every page that connects.
    page.evaluate("hide(true); hears('task_end')")
    assert page.title() == "Chat"
    page.evaluate("hears('task_start'); hears('task_end')")
    assert page.title() == "✓ Answer ready · Chat"
    page.evaluate("hide(false)")
    assert page.title() == "Chat"
    page.evaluate("hears('task_start')")
    expect(page.locator("[aria-live=polite]")).to_have_text("The answer is being written")
    page.evaluate("hears('task_end')")
    expect(page.locator("[aria-live=polite]")).to_have_text("Answer ready")
    assert page.title() == "Chat"


def test_a_long_wait_offers_a_notification_which_a_hidden_tab_then_gives(chromium: Browser) -> None:
    stage = Stage(chromium)
    page = stage.page
    page.add_init_script(
        """window.shown = [];
        Object.defineProperty(window, "isSecureContext", { value: true });
        window.Notification = class {
          static permission = "default";
          static async requestPermission() { Notification.permission = "granted"; }
          constructor(title, { body }) { shown.push(body); window.last = this; }
          close() {}
        };"""
    )
    stage.stop_the_clock()
    stage.open()
    page.evaluate(SOCKET)
    page.evaluate("window.kimi = kimi; kimi.go = (url) => (window.went = url); hears('task_start')")
    page.clock.run_for(15_000)
    assert page.evaluate("toasts.length") == 0
    page.clock.run_for(10_000)
    assert page.evaluate("toasts.map(([words, { action, cancel }]) => [words, action.label, cancel.label])") == [
        ["This answer takes a while. Would you like a notification when it is ready?", "Notify me", "Not now"]
    ]
    page.evaluate("toasts[0][1].action.onClick(); hide(true); hears('task_end')")
    assert page.evaluate("shown") == ["Answer ready"]
    page.evaluate("hears('answer_done', { id: 'a', name: 'A sign', failed: true }); last.onclick()")
    assert page.evaluate("shown.at(-1)") == "Ended with an error: A sign"
    assert page.evaluate("went") == "/thread/a"
    # It is asked once only.
    page.evaluate(
        "Notification.permission = 'default'; toasts.length = 0; localStorage.setItem('kimi-notify-declined', 1)"
    )
    page.evaluate("hears('task_start')")
    page.clock.run_for(30_000)
    assert page.evaluate("toasts.length") == 0
    page.context.close()


def test_copying_works_where_the_browser_has_no_clipboard_for_the_page(stage: Stage) -> None:
    page = stage.open()
    assert not page.evaluate("isSecureContext")
    page.evaluate(
        """() => {
          document.addEventListener("copy", () => { window.copied = document.activeElement.value; });
          const item = () => new ClipboardItem({ "text/plain": new Blob(["a:b\\n$5"], { type: "text/plain" }) });
          const button = Object.assign(document.createElement("button"), { textContent: "Copy it" });
          button.onclick = () => navigator.clipboard.write([item()]);
          document.body.append(button);
        }"""
    )
    page.get_by_role("button", name="Copy it").click()
    page.wait_for_function("window.copied !== undefined")
    assert page.evaluate("window.copied") == "a:b\n$5"
    assert page.locator("textarea").count() == 0


def test_the_theme_follows_the_system_until_the_person_chooses(chromium: Browser) -> None:
    context = chromium.new_context(color_scheme="dark")
    stage = Stage(chromium)
    stage.page.context.close()
    stage.page = context.new_page()
    stage.page.route(f"{ADDRESS}**", stage._answer)
    page = stage.open()
    assert page.evaluate("document.documentElement.className") == "dark"
    assert page.evaluate("localStorage.getItem('vite-ui-theme')") == "system"
    page.evaluate("localStorage.setItem('vite-ui-theme', 'light')")
    page.reload()
    assert page.evaluate("document.documentElement.className") == "light"
    context.close()


# ----------------------------------------------------------------------------------------------------- The chats' list


def test_pinned_chats_are_a_group_and_rows_tell_chats_with_the_same_name_apart(stage: Stage) -> None:
    stage.stop_the_clock("2026-11-21T10:00:00Z")
    page = stage.open()
    page.evaluate("""() => {
        window.chat = (id, createdAt, file, pinned) => ({ id, createdAt, metadata: { file, pinned } });
        window.chats = [
            chat("1", "2026-11-21T09:05:00Z", "a.pdf (1)", true),
            chat("2", "2026-11-20T09:05:00Z", "b.png"),
            chat("3", "2025-11-20T09:05:00Z", ""),
        ];
    }""")
    grouped = page.evaluate("Object.entries(kimi.chats.groups(chats, (all) => ({ Today: all })))")
    assert [(name, [one["id"] for one in group]) for name, group in grouped] == [
        ("Pinned", ["1"]),
        ("Today", ["2", "3"]),
    ]
    assert page.evaluate("Object.keys(kimi.chats.groups(chats.slice(1), (all) => ({ Today: all })))") == ["Today"]
    today, this_year, earlier = page.evaluate("chats.map((one) => kimi.chats.about(one))")
    assert today.endswith(" · a.pdf")
    assert "Nov" not in today
    assert this_year.startswith("Nov 20 ")
    assert this_year.endswith(" · b.png")
    assert earlier.startswith("Nov 20, 2025 ")
    assert "·" not in earlier


def test_the_arrows_go_through_the_rows_of_the_list_and_into_their_menus(stage: Stage) -> None:
    page = stage.open()
    rows = "".join(
        f'<li><a href="#{n}" id="row{n}">x<div id="thread-options" class="menu{n}" tabindex="-1">…</div></a></li>'
        for n in (1, 2)
    )
    page.evaluate("rows => document.body.insertAdjacentHTML('beforeend', `<div id=thread-history>${rows}</div>`)", rows)
    where = "document.activeElement.className || document.activeElement.id"
    page.locator("#row1").focus()
    seen = []
    for key in ("ArrowUp", "ArrowDown", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
        seen.append(page.evaluate(where))
    assert seen == ["row1", "row2", "menu2", "menu2", "row2", "row1"]


def test_a_pin_that_fails_is_reported(stage: Stage) -> None:
    page = stage.open()
    page.route(f"{ADDRESS}api/threads/1/pinned", lambda route: route.fulfill(status=503, json={}))
    page.evaluate("kimi.chats.pin({ id: '1' }, () => { window.changed = true; }, (words) => { window.said = words; })")
    page.wait_for_function("window.said")
    assert not page.evaluate("window.changed")
