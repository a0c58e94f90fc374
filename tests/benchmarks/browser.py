"""The cost of a long answer for the browser's main thread, on the page and on the naive app (the negative control)."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from tests.benchmarks.apps import App, Apps
from tests.benchmarks.load import END, Load, long_tokens, pieces
from tests.instruments.chromium import launched

RATE = 120
GOALS = {"worst_task_ms": 250.0, "long_tasks_share": 0.10, "busy_share": 0.35, "behind_s": 0.5}
"""The page's upper limits."""
_PATIENCE = 600_000
_WATCH = """() => {
  window.benchmark = { tasks: [], seen: 0 };
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.benchmark.tasks.push([task.startTime, task.duration]);
  }).observe({ type: "longtask" });
}"""
# Only the last message: reading all the text would be a load in itself.
_LOOK = """(end) => {
  const look = setInterval(() => {
    const said = [...document.querySelectorAll('[data-step-type="assistant_message"] .message-content')].at(-1);
    if (said?.lastElementChild?.textContent.includes(end)) {
      window.benchmark.seen = Date.now();
      clearInterval(look);
    }
  }, 50);
}"""


def browser(apps: Apps, share: float) -> dict[str, Any]:
    """A row for the page and one for the naive app; `share` of the text: 1 is all of it."""
    load = Load(int(long_tokens() * share), RATE, "long")
    with sync_playwright() as playwright:
        chromium = launched(playwright)
        try:
            rows = {app.name: _measure(chromium, app, apps.engine, load) for app in apps.both}
        finally:
            chromium.close()
    reasoning, answer = (sum(map(len, kind)) for kind in pieces(load.tokens, "long"))
    return {"reasoning_characters": reasoning, "answer_characters": answer, "tokens_per_second": RATE, **rows}


def _measure(chromium: Browser, app: App, engine: App, like: Load) -> dict[str, Any]:
    load = Load(like.tokens, like.rate, like.kind)
    context = chromium.new_context(locale="en-US", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(_PATIENCE)
    try:
        page = context.new_page()
        page.goto(app.url)
        page.locator("#chat-input").wait_for()
        _ask(page, Load(30, 100), engine)
        session = context.new_cdp_session(page)
        # The thread's own time: waiting for a core is not work.
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.evaluate(_WATCH)
        page.evaluate(_LOOK, END)
        before = _busy(session)
        mark = _ask(page, load, engine)
        page.wait_for_function("window.benchmark.seen > 0", polling=100)
        busy = _busy(session) - before
        found = page.evaluate("window.benchmark")
    finally:
        context.close()
    streaming = mark["last"] - mark["first"]
    durations = [duration for _, duration in found["tasks"]]
    seen = found["seen"] / 1000 + time.monotonic() - time.time()
    row: dict[str, Any] = {
        "worst_task_ms": round(max(durations, default=0.0), 0),
        "long_tasks_share": round(sum(durations) / 1000 / streaming, 3),
        "busy_share": round(busy / streaming, 3),
        "behind_s": round(seen - mark["last"], 2),
        "long_tasks": len(durations),
        "streaming_s": round(streaming, 1),
    }
    return row | {"missed": [name for name, limit in GOALS.items() if row[name] >= limit]}


def _ask(page: Page, load: Load, engine: App) -> dict[str, float]:
    """Asks and waits until the engine has finished; returns its times."""
    page.locator("#chat-input").fill(load.question)
    # While a turn runs there is a button in its place that stops it.
    page.locator("#chat-submit:enabled").click()
    while True:
        with urllib.request.urlopen(f"{engine.url}/marks/{load.ident}", timeout=60) as reply:
            mark: dict[str, float] = json.load(reply)
        if "last" in mark:
            return mark
        # Not in the page: every query would cost it time.
        page.wait_for_timeout(500)


def _busy(session: CDPSession) -> float:
    """Seconds of CPU that the main thread has used so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))
