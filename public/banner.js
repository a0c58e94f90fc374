// The engine's state above the chat: the progress of its start, why it failed, whether the reader replaces the model,
// and the progress of a better engine that is being prepared.
"use strict";

(() => {
  const text = words.banner;
  const [BUSY, QUIET, REFUSED] = [1500, 10000, 30000]; // milliseconds until the next poll
  const TOAST = 15000; // milliseconds for which the page shows that the better engine is ready

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
  const yes = element("button", "engine-banner-button", { type: "button" });
  const no = element("button", "engine-banner-button", { type: "button" });
  box.append(dot, sentence, figures, help, retry, yes, no, dismiss, bar);

  // What a person has dismissed in this browser stays away until there is something else to say.
  let person = "";
  const dismissedKey = (...parts) => ["kimi-dismissed", person, ...parts.filter(Boolean)].join("-");
  const comingKey = (state) => dismissedKey("coming", state, coming.title, state === "failed" && coming.reason);
  const noteKey = () => dismissedKey(engine.note, engine.why);
  let engine = null;
  let coming = { state: "" };
  let awaited = false; // whether this page has seen a better engine on its way
  let readySince = 0;
  let clockSkew = 0;

  const elapsed = (seconds) =>
    seconds < 60
      ? fill(text.seconds, { seconds })
      : fill(text.minutes, { minutes: Math.floor(seconds / 60), seconds: seconds % 60 });

  function sentenceOf({ state, phase, note, why }) {
    if (state === "ready") return [text.notes[note], why].filter(Boolean).join(" ");
    return phase ? text[state] + text.colon + phase : text[state];
  }

  const megabytes = (bytes) => `${Math.round(bytes / 1e6).toLocaleString(document.documentElement.lang)} MB`;
  const size = (bytes) => (bytes < 1e9 ? megabytes(bytes) : `${(bytes / 1e9).toFixed(1)} GB`);

  // Whether it is to be shown what comes, in the place of why the reader answers.
  function isComing() {
    const { state } = coming;
    awaited ||= ["fetching", "loading"].includes(state);
    if (state === "ready") {
      readySince ||= Date.now();
      return awaited && Date.now() - readySince < TOAST;
    }
    const told = coming.may ? ["asking", "declined", "fetching", "loading", "failed"] : ["fetching", "loading"];
    if (!told.includes(state) || engine.state !== "ready") return false;
    return [localStorage, sessionStorage].every((storage) => storage.getItem(comingKey(state)) === null);
  }

  function drawComing() {
    const { state, title, reason, total, done, speed } = coming;
    const fetching = state === "fetching";
    const said = fill(text.coming[state], { title, reason, size: size(total) });
    if (sentence.textContent !== said) sentence.textContent = said;
    const known = fetching && total > 0;
    const seconds = speed ? Math.round((total - done) / speed) : 0;
    const time = elapsed(seconds < 120 ? seconds : 60 * Math.round(seconds / 60));
    const parts = [
      known ? `${Math.floor((100 * done) / total)} %` : "",
      fetching && speed ? `${(speed / 1e6).toFixed(1)} MB/s` : "",
      fetching && seconds ? fill(text.left, { time }) : "",
    ];
    figures.textContent = parts.filter(Boolean).join(" · ");
    box.dataset.state = fetching || state === "loading" ? "starting" : state === "failed" ? "failed" : "ready";
    bar.hidden = !known;
    bar.value = known ? (100 * done) / total : 0;
    help.hidden = retry.hidden = true;
    yes.hidden = !["asking", "declined", "failed"].includes(state);
    yes.textContent = state === "failed" ? text.again : text.yes;
    no.hidden = !coming.may || !["asking", "fetching"].includes(state);
    no.textContent = fetching ? text.stop : text.no;
    dismiss.hidden = fetching || state === "loading" || state === "asking";
  }

  function draw() {
    const better = isComing();
    if (better) {
      box.hidden = false;
      drawComing();
      return;
    }
    yes.hidden = no.hidden = true;
    const { state, percent, since, note } = engine;
    const isNote = state === "ready";
    const shown = !isNote || (note in text.notes && localStorage.getItem(noteKey()) === null);
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
    dismiss.hidden = !isNote;
    // The help says what to do on the machine, for those who may.
    help.hidden = !isNote || !coming.may;
    retry.hidden = state !== "failed" && state !== "stopped";
  }

  async function look() {
    let pause = BUSY;
    try {
      const response = await fetch("/api/status", { headers: { accept: "application/json" }, cache: "no-store" });
      if (response.ok) {
        clockSkew = Date.now() - (Date.parse(response.headers.get("date")) || Date.now());
        ({ engine, coming = coming, person = "" } = await response.json());
        document.documentElement.toggleAttribute("data-reads", Boolean(engine.reads));
        // A button below the reader's answers asks a model that sees: the style sheet shows it while there is one.
        document.documentElement.toggleAttribute("data-vision", Boolean(engine.sees));
        draw();
        pause = engine.state === "ready" && !["fetching", "loading"].includes(coming.state) ? QUIET : BUSY;
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
  async function say(answer) {
    yes.disabled = no.disabled = true;
    // Anyone who has just declined need not read the same again in this tab.
    if (answer === "no" && coming.state === "asking") sessionStorage.setItem(comingKey("declined"), "1");
    try {
      const headers = { "content-type": "application/json" };
      const response = await fetch("/api/download", { method: "POST", headers, body: JSON.stringify({ answer }) });
      if (response.ok) coming = { ...coming, state: answer === "yes" ? "fetching" : "declined", done: 0, speed: null };
      draw();
      if (!response.ok) sentence.textContent = (await response.json()).detail;
    } finally {
      setTimeout(() => {
        yes.disabled = no.disabled = false;
      }, BUSY);
    }
  }
  yes.addEventListener("click", () => say("yes"));
  no.addEventListener("click", () => say("no"));
  dismiss.addEventListener("click", () => {
    if (isComing() && coming.state === "ready") awaited = false;
    else localStorage.setItem(isComing() ? comingKey(coming.state) : noteKey(), "1");
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
