"""Drafts, files and typing in Chromium, without a server: `public/drafts.js`, `files.js`, `typing.js`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.test_page_scripts import ADDRESS, Stage

pytestmark = pytest.mark.browser

_COMPOSER = """
window.attached = [];
window.said = [];
window.typed = (words) => { kimi.draft = words; };
// Draws the composer as React does: again after every change, with the effects whose values have changed.
window.last = [];
window.draw = (person = "anna") => {
  const now = [];
  const plain = (value) => (Array.isArray(value) ? value.map(({ id, draft }) => [id, draft?.chat]) : value);
  kimi.drafts.use(
    { useEffect: (effect, values) => now.push({ effect, values: JSON.stringify(values.map(plain)) }) },
    {
      person, words: kimi.draft, attached, fail: (sentence) => said.push(sentence),
      attach: (change) => {
        attached = typeof change === "function" ? change(attached) : change;
        setTimeout(draw, 0, person);
      },
      field: { current: { setValueExtern: (words) => { kimi.draft = words; setTimeout(draw, 0, person); } } },
    },
  );
  const before = last;
  last = now;
  now.forEach(({ effect, values }, at) => before[at]?.values !== values && effect());
};
window.file = (name, size = 3) => new File(["x".repeat(size)], name, { type: "image/png" });
window.add = (...files) => {
  const draft = kimi.drafts.shown();
  attached = [...attached, ...files.map((one) => ({ id: one.name, serverId: one.name, file: one, draft }))];
  draw();
};
window.look = (path) => { history.pushState(null, "", path); draw(); };
window.state = () => JSON.stringify([kimi.draft, attached.map(({ file }) => file.name)]);
"""


@pytest.fixture
def stage(browser: Browser) -> Iterator[Stage]:
    stage = Stage(browser)
    stage.page.context.add_init_script("window.addEventListener('DOMContentLoaded', () => {" + _COMPOSER + "});")
    yield stage
    stage.page.context.close()


def shows(page: Page, words: str, *names: str) -> None:
    """Waits until the composer has these words and files."""
    page.wait_for_function("([words, names]) => state() === JSON.stringify([words, names])", arg=[words, list(names)])


def kept(page: Page) -> Any:
    """What the database has: the chats with words, and those with files; new chats without the id of their tab."""
    return page.evaluate("""async () => {
        const database = await new Promise((resolve) => {
            const request = indexedDB.open("kimi-drafts", 1);
            request.onsuccess = () => resolve(request.result);
        });
        const keys = (kind) => new Promise((resolve) => {
            const request = database.transaction(kind).objectStore(kind).getAllKeys();
            request.onsuccess = () => resolve(request.result.map((key) => key.join().replace(/-[-\\d]+$/, "")));
        });
        const all = [await keys("words"), await keys("files")];
        database.close();
        return all;
    }""")


def wait_until_kept(page: Page, words: list[str], files: list[str]) -> None:
    for _ in range(600):
        if kept(page) == [words, files]:
            return
        page.wait_for_timeout(100)
    assert kept(page) == [words, files]


def test_a_draft_stays_with_its_chat_and_survives_a_reload(stage: Stage) -> None:
    page = stage.open()
    page.evaluate("draw()")
    page.evaluate("typed('And this?'); add(file('a.png'), file('b.png'))")
    page.evaluate("look('/thread/one')")
    shows(page, "")
    page.evaluate("typed('In one'); draw()")
    page.evaluate("look('/')")
    shows(page, "And this?", "a.png", "b.png")
    assert page.evaluate("attached.every(({ uploaded, serverId }) => uploaded && serverId)")
    wait_until_kept(page, ["anna,new", "anna,one"], ["anna,new"])
    page.reload()
    page.evaluate("draw()")
    shows(page, "And this?", "a.png", "b.png")
    page.evaluate("attached[0].remove()")
    shows(page, "And this?", "b.png")
    page.evaluate("typed(''); attached = []; draw()")
    wait_until_kept(page, ["anna,one"], [])


def test_each_tab_has_its_own_new_chat_and_a_new_tab_takes_over_that_of_a_closed_one(stage: Stage) -> None:
    page = stage.open()
    page.evaluate("draw(); typed('In the first'); draw()")
    wait_until_kept(page, ["anna,new"], [])
    second = stage.another_tab()
    second.evaluate("draw()")
    # Until the first tab must have said that it is there.
    second.wait_for_timeout(1000)
    shows(second, "")
    second.evaluate("typed('In the second'); add(file('b.png'))")
    wait_until_kept(second, ["anna,new", "anna,new"], ["anna,new"])
    for tab, *draft in ((page, "In the first"), (second, "In the second", "b.png")):
        tab.reload()
        tab.evaluate("draw()")
        shows(tab, *draft)
    second.close()
    third = stage.another_tab()
    third.evaluate("draw()")
    shows(third, "In the second", "b.png")
    wait_until_kept(page, ["anna,new", "anna,new"], ["anna,new"])


def test_what_is_typed_and_attached_before_the_stored_draft_comes_is_added_to_it(stage: Stage) -> None:
    page = stage.open()
    page.evaluate("draw(); typed('Before'); add(file('a.png'))")
    wait_until_kept(page, ["anna,new"], ["anna,new"])
    page.reload()
    page.evaluate("typed('early'); add(file('b.png'))")
    page.evaluate("draw()")
    shows(page, "Before\nearly", "a.png", "b.png")


def test_the_draft_of_a_new_chat_follows_it_to_its_address(stage: Stage) -> None:
    page = stage.open()
    page.evaluate("draw(); typed('Next'); add(file('a.png'))")
    page.evaluate("kimi.drafts.named('one')")
    page.evaluate("look('/thread/one')")
    shows(page, "Next", "a.png")
    wait_until_kept(page, ["anna,one"], ["anna,one"])
    page.evaluate("look('/')")
    shows(page, "")


def test_a_question_that_could_not_be_sent_stays_in_its_chat(stage: Stage) -> None:
    page = stage.open()
    page.evaluate("look('/thread/one')")
    page.evaluate("""() => {
        kimi.send(undefined, { message: { id: "a", output: "not sent" }, fileReferences: [] });
        kimi.forget(undefined);
        look("/");
    }""")
    shows(page, "")
    page.evaluate("look('/thread/one')")
    shows(page, "not sent")


def test_nobody_sees_anothers_draft_and_signing_out_removes_ones_own(stage: Stage) -> None:
    page = stage.open()
    page.evaluate("draw('anna'); typed('secret'); add(file('a.png'))")
    wait_until_kept(page, ["anna,new"], ["anna,new"])
    page.evaluate("draw('bert')")
    shows(page, "")
    page.evaluate("typed('mine'); draw('bert')")
    wait_until_kept(page, ["anna,new", "bert,new"], ["anna,new"])
    page.evaluate("kimi.drafts.clear()")
    wait_until_kept(page, ["anna,new"], ["anna,new"])


@pytest.mark.parametrize(
    "database", ["{ open: () => ({}) }", "{ open() { throw new Error('not here'); } }", "undefined"]
)
def test_without_a_working_database_a_draft_lasts_as_long_as_the_page(stage: Stage, database: str) -> None:
    stage.page.add_init_script(
        f"Object.defineProperty(window, 'indexedDB', {{ value: {database}, configurable: true }});"
    )
    page = stage.open()
    page.evaluate("draw(); typed('Words'); add(file('a.png'))")
    page.evaluate("look('/thread/one')")
    shows(page, "")
    page.evaluate("look('/')")
    shows(page, "Words", "a.png")
    # Signing out waits two seconds at most: a hanging database must not hold it up.
    page.evaluate("Promise.resolve(kimi.drafts.clear()).then(() => { window.cleared = true; })")
    page.wait_for_function("window.cleared", timeout=30_000)


def test_files_that_are_too_large_to_be_kept_are_reported_and_stay_in_the_composer(stage: Stage) -> None:
    page = stage.open()
    page.evaluate("draw()")
    page.evaluate("""() => {
        const large = file("a.png");
        Object.defineProperty(large, "size", { value: 300_000_000 });
        add(large);
    }""")
    page.wait_for_function("said.length")
    assert "too large to be kept" in page.evaluate("said[0]")
    shows(page, "", "a.png")


def test_a_starter_takes_the_attached_files_even_during_their_upload(stage: Stage) -> None:
    page = stage.open()
    page.evaluate("draw(); add(file('a.png'), file('b.png')); delete attached[1].serverId")
    assert page.evaluate("kimi.drafts.take()") == [{"id": "a.png"}, {"id": "b.png"}]
    assert page.evaluate("attached") == []


def test_of_too_many_files_the_first_are_taken_and_the_others_named(stage: Stage) -> None:
    page = stage.open()
    page.evaluate("draw(); add(file('there.png'))")
    taken = page.evaluate("""() => {
        const files = Array.from({ length: 25 }, (_, n) => file(`${n + 1}.png`));
        return kimi.files.room(files, { max_files: 20 }, (sentence) => said.push(sentence)).map(({ name }) => name);
    }""")
    assert taken == [f"{n}.png" for n in range(1, 20)]
    [sentence] = page.evaluate("said")
    assert "Left out: 20.png, 21.png, 22.png, 23.png, 24.png, 25.png." in sentence
    page.evaluate(
        "kimi.files.room(Array.from({ length: 40 }, () => file('x.png')), { max_files: 20 }, (s) => said.push(s))"
    )
    assert "and 11 more" in page.evaluate("said[1]")


def test_a_file_chosen_while_the_composer_is_drawn_again_goes_to_the_new_one(stage: Stage) -> None:
    page = stage.open()
    page.evaluate("""() => {
        const input = () =>
            Object.assign(document.createElement("input"), { id: "upload-button-input", type: "file" });
        const old = input();
        document.body.append(old);
        old.addEventListener("click", (event) => event.preventDefault());
        old.click();
        old.remove();
        const chosen = new DataTransfer();
        chosen.items.add(file("a.png"));
        old.files = chosen.files;
        old.dispatchEvent(new Event("change", { bubbles: true }));
        const next = input();
        document.addEventListener("change", ({ target }) => { window.chosen = target.files[0].name; });
        document.body.append(next);
    }""")
    page.wait_for_function("window.chosen === 'a.png'")


def test_a_file_without_a_session_is_uploaded_with_its_question_and_a_refused_one_is_not(stage: Stage) -> None:
    page = stage.open()
    assert page.evaluate("kimi.files.later({ status: 404 }, 'a', 'Session not found')") == {"id": "a"}
    assert page.evaluate(
        "() => { try { kimi.files.later({ status: 413 }, 'a', 'too large'); } catch (e) { return e; } }"
    ) == ("too large")


def test_of_a_paste_text_wins_where_there_is_text_and_files_where_there_is_none(stage: Stage) -> None:
    page = stage.open()
    page.evaluate("""() => {
        window.taken = (text, ...files) => {
            const data = new DataTransfer();
            if (text) data.setData("text/plain", text);
            files.forEach((one) => data.items.add(one));
            return kimi.files.pasted(data).map(({ name }) => name);
        };
    }""")
    assert page.evaluate("taken('Tea\\t3.50\\nCake\\t4.20', file('image.png'))") == []
    assert page.evaluate("taken('', file('image.png'), file('b.png'))") == ["image.png", "b.png"]
    assert page.evaluate("taken(' \\n', file('image.png'))") == ["image.png"]
    # A file manager adds the names or addresses of the files.
    assert page.evaluate("taken('file:///home/my%20a.png\\nb.png', file('my a.png'), file('b.png'))") == [
        "my a.png",
        "b.png",
    ]
    assert page.evaluate("taken('100%')") == []


def test_what_is_typed_or_pasted_outside_goes_into_the_composer(stage: Stage) -> None:
    page = stage.open()
    page.evaluate("""() => {
        document.body.insertAdjacentHTML("beforeend", `<textarea id="chat-input"></textarea><input id="other">
            <button id="press">Press</button>`);
        window.paste = (selector, text) => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text/plain", text);
            const event = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
            return document.querySelector(selector).dispatchEvent(event);
        };
    }""")
    composer, other = page.locator("#chat-input"), page.locator("#other")
    page.locator("#press").focus()
    page.keyboard.press("Control+b")
    page.keyboard.press("?")
    assert page.evaluate("document.activeElement.id") == "press"
    page.keyboard.type("hello")
    assert composer.input_value() == "hello"
    page.locator("#press").focus()
    page.evaluate("paste('body', ' world')")
    assert composer.input_value() == "hello world"
    other.focus()
    page.keyboard.type("elsewhere")
    page.evaluate("paste('#other', 'x')")
    assert [other.input_value(), composer.input_value()] == ["elsewhere", "hello world"]
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<div role=dialog></div>')")
    page.locator("#press").focus()
    page.keyboard.type("y")
    page.evaluate("paste('body', 'y')")
    assert composer.input_value() == "hello world"


def test_the_address_of_these_tests_is_no_secure_context(stage: Stage) -> None:
    """As on a home network: the scripts may use nothing that only secure pages have."""
    page = stage.open()
    assert page.url == ADDRESS
    assert not page.evaluate("isSecureContext")
