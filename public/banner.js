// The engine's state above the chat: how its start goes, why it failed, and that the reader stands in for the model.
"use strict";

(() => {
  const words = {
    en: {
      starting: "The engine is starting",
      stopping: "The engine is stopping",
      stopped: "The engine does not run",
      failed: "The engine could not be started",
      retry: "Retry",
      retrying: "Starting again…",
      how: "How to get Kimi-VL",
      dismiss: "Do not show this again",
      notes: {
        "reader.auto":
          "No suitable graphics card here, so the reader answers: it reads text in pictures, but does not describe or reason.",
        "reader.fallback": "The vision model could not be started, so the reader answers, which only reads text.",
        "llama.auto": "A smaller form of Kimi-VL-Thinking answers, on the processor: expect it to be slow.",
        "vllm.untested": "The model runs in a quantized form that nobody has tested on this card yet.",
      },
      elapsed: (seconds) => (seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`),
    },
    zh: {
      starting: "引擎正在启动",
      stopping: "引擎正在停止",
      stopped: "引擎未运行",
      failed: "引擎启动失败",
      retry: "重试",
      retrying: "正在重新启动…",
      how: "如何获得 Kimi-VL",
      dismiss: "不再显示",
      notes: {
        "reader.auto": "本机没有合适的显卡，由文字识别（reader）回答：能读出图中文字，但不能描述或推理。",
        "reader.fallback": "视觉模型无法启动，由文字识别（reader）回答：只能读出图中文字。",
        "llama.auto": "由处理器上的小型 Kimi-VL-Thinking 回答，速度会较慢。",
        "vllm.untested": "模型以量化形式运行，尚无人在这种显卡上测试过。",
      },
      elapsed: (seconds) => (seconds < 60 ? `${seconds} 秒` : `${Math.floor(seconds / 60)} 分 ${seconds % 60} 秒`),
    },
  }[kimi.language];
  const colon = kimi.language === "zh" ? "：" : ": ";
  const [BUSY, QUIET, REFUSED] = [1500, 10000, 30000]; // milliseconds until the next look

  const element = (tag, className, attributes = {}) =>
    Object.assign(document.createElement(tag), { className, ...attributes });
  const box = element("aside", "engine-banner", { hidden: true });
  const dot = element("span", "engine-banner-dot");
  const sentence = element("span", "engine-banner-text");
  sentence.setAttribute("role", "status");
  const figures = element("span", "engine-banner-figures");
  const help = element("button", "engine-banner-button", { type: "button", textContent: words.how });
  const retry = element("button", "engine-banner-button", { type: "button", textContent: words.retry });
  const dismiss = element("button", "engine-banner-close", { type: "button", textContent: "×", title: words.dismiss });
  dismiss.setAttribute("aria-label", words.dismiss);
  const bar = element("progress", "engine-banner-bar", { max: 100 });
  // The clock and the per cent change all the time: only the sentence beside them is read out.
  figures.setAttribute("aria-hidden", "true");
  bar.setAttribute("aria-label", words.starting);
  box.append(dot, sentence, figures, help, retry, dismiss, bar);

  const dismissedKey = (note) => `kimi-dismissed-${note}`;
  let engine = null;
  let clockSkew = 0;

  function sentenceOf({ state, phase, note, why }) {
    if (state === "ready") return [words.notes[note], why].filter(Boolean).join(" ");
    return phase ? words[state] + colon + phase : words[state];
  }

  function draw() {
    const { state, percent, since, note } = engine;
    const isNote = state === "ready";
    const shown = !isNote || (note in words.notes && localStorage.getItem(dismissedKey(note)) === null);
    box.hidden = !shown;
    if (!shown) return;
    box.dataset.state = state;
    const text = sentenceOf(engine);
    if (sentence.textContent !== text) sentence.textContent = text;
    const known = state === "starting" && typeof percent === "number";
    const seconds = Math.max(0, Math.round((Date.now() - clockSkew - Date.parse(since)) / 1000));
    const parts = [known ? `${Math.round(percent)} %` : "", state === "starting" ? words.elapsed(seconds) : ""];
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
        // It was until now: the login has ended, and what it showed goes with it. The form is shown, where there is one.
        if (response.status === 401 && engine) location.reload();
      }
    } catch {
      // The page's own server is away: Chainlit says so, and connects again.
      box.hidden = true;
    }
    setTimeout(look, document.hidden ? REFUSED : pause);
  }

  retry.addEventListener("click", async () => {
    retry.disabled = true;
    retry.textContent = words.retrying;
    try {
      const response = await fetch("/api/retry", { method: "POST" });
      if (!response.ok) sentence.textContent = (await response.json()).detail;
    } finally {
      // The next look shows what came of it.
      setTimeout(() => Object.assign(retry, { disabled: false, textContent: words.retry }), BUSY);
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
