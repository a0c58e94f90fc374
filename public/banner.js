// The engine's state above the chat: the progress of its start, why it failed, whether the reader replaces the model.
"use strict";

(() => {
  const text = words.banner;
  const [BUSY, QUIET, REFUSED] = [1500, 10000, 30000]; // milliseconds until the next poll

  const element = (tag, className, attributes = {}) =>
    Object.assign(document.createElement(tag), { className, ...attributes });
  const box = element("aside", "engine-banner", { hidden: true });
  const dot = element("span", "engine-banner-dot");
  const sentence = element("span", "engine-banner-text");
  sentence.setAttribute("role", "status");
  const figures = element("span", "engine-banner-figures");
  const help = element("button", "engine-banner-button", { type: "button", textContent: text.how });
  const retry = element("button", "engine-banner-button", { type: "button", textContent: text.retry });
  const dismiss = element("button", "engine-banner-close", { type: "button", textContent: "×", title: text.dismiss });
  dismiss.setAttribute("aria-label", text.dismiss);
  const bar = element("progress", "engine-banner-bar", { max: 100 });
  // The clock and the percentage change all the time, so only the sentence beside them is announced.
  figures.setAttribute("aria-hidden", "true");
  bar.setAttribute("aria-label", text.starting);
  box.append(dot, sentence, figures, help, retry, dismiss, bar);

  const dismissedKey = (note) => `kimi-dismissed-${note}`;
  let engine = null;
  let clockSkew = 0;

  const elapsed = (seconds) =>
    seconds < 60
      ? fill(text.seconds, { seconds })
      : fill(text.minutes, { minutes: Math.floor(seconds / 60), seconds: seconds % 60 });

  function sentenceOf({ state, phase, note, why }) {
    if (state === "ready") return [text.notes[note], why].filter(Boolean).join(" ");
    return phase ? text[state] + text.colon + phase : text[state];
  }

  function draw() {
    const { state, percent, since, note } = engine;
    const isNote = state === "ready";
    const shown = !isNote || (note in text.notes && localStorage.getItem(dismissedKey(note)) === null);
    box.hidden = !shown;
    if (!shown) return;
    box.dataset.state = state;
    const said = sentenceOf(engine);
    if (sentence.textContent !== said) sentence.textContent = said;
    const known = state === "starting" && typeof percent === "number";
    const seconds = Math.max(0, Math.round((Date.now() - clockSkew - Date.parse(since)) / 1000));
    const parts = [known ? `${Math.round(percent)} %` : "", state === "starting" ? elapsed(seconds) : ""];
    figures.textContent = parts.filter(Boolean).join(" · ");
    bar.hidden = !known;
    bar.value = known ? percent : 0;
    help.hidden = dismiss.hidden = !isNote;
    retry.hidden = state !== "failed" && state !== "stopped";
  }

  async function look() {
    let pause = BUSY;
    try {
      const response = await fetch("/api/status", { headers: { accept: "application/json" }, cache: "no-store" });
      if (response.ok) {
        clockSkew = Date.now() - (Date.parse(response.headers.get("date")) || Date.now());
        engine = (await response.json()).engine;
        draw();
        pause = engine.state === "ready" ? QUIET : BUSY;
      } else {
        box.hidden = true; // not signed in
        pause = REFUSED;
        // The login has just ended: reload, to clear the page and show the login form, if there is one.
        if (response.status === 401 && engine) location.reload();
      }
    } catch {
      // The web process is unreachable: Chainlit reports that, and reconnects.
      box.hidden = true;
    }
    setTimeout(look, document.hidden ? REFUSED : pause);
  }

  retry.addEventListener("click", async () => {
    retry.disabled = true;
    retry.textContent = text.retrying;
    try {
      const response = await fetch("/api/retry", { method: "POST" });
      if (!response.ok) sentence.textContent = (await response.json()).detail;
    } finally {
      // The next poll shows the result.
      setTimeout(() => Object.assign(retry, { disabled: false, textContent: text.retry }), BUSY);
    }
  });
  dismiss.addEventListener("click", () => {
    localStorage.setItem(dismissedKey(engine.note), "1");
    draw();
  });
  help.addEventListener("click", () => document.getElementById("readme-button")?.click());
  // The chat begins below the banner, however many lines it takes.
  new ResizeObserver(() => {
    const height = box.hidden ? 0 : Math.ceil(box.getBoundingClientRect().height) + 8;
    document.documentElement.style.setProperty("--engine-banner-height", `${height}px`);
  }).observe(box);
  setInterval(() => engine && !box.hidden && draw(), 1000);
  document.body ? document.body.append(box) : addEventListener("DOMContentLoaded", () => document.body.append(box));
  look();
})();
