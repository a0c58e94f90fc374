// The engine's state above the chat: how its start goes, why it failed, that the reader stands in for the model, and
// how far a better engine is that comes meanwhile.
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
        "reader.meanwhile": "The reader answers: it reads text in pictures, but does not describe or reason.",
        "llama.auto": "A smaller form of Kimi-VL-Thinking answers, on the processor: expect it to be slow.",
        "vllm.untested": "The model runs in a quantized form that nobody has tested on this card yet.",
      },
      elapsed: (seconds) => (seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`),
      left: (time) => `${time} left`,
      yes: "Download",
      again: "Try again",
      no: "Not now",
      stop: "Stop the download",
      coming: {
        asking: ({ title, size }) =>
          `${title} could answer on this machine: it sees and reasons, where the reader only reads text. It is a download of ${size}.`,
        fetching: ({ title }) => `${title} is being downloaded; the reader answers meanwhile, which only reads text.`,
        loading: ({ title }) => `${title} is here and loads; the reader answers meanwhile.`,
        failed: ({ title, reason }) => `${title} could not be brought here: ${reason}`,
        ready: ({ title }) => `${title} is ready: new questions go to it.`,
      },
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
        "reader.meanwhile": "由文字识别（reader）回答：能读出图中文字，但不能描述或推理。",
        "llama.auto": "由处理器上的小型 Kimi-VL-Thinking 回答，速度会较慢。",
        "vllm.untested": "模型以量化形式运行，尚无人在这种显卡上测试过。",
      },
      elapsed: (seconds) => (seconds < 60 ? `${seconds} 秒` : `${Math.floor(seconds / 60)} 分 ${seconds % 60} 秒`),
      left: (time) => `还需 ${time}`,
      yes: "下载",
      again: "重试",
      no: "暂不",
      stop: "停止下载",
      coming: {
        asking: ({ title, size }) =>
          `本机可以运行 ${title}：它能看图并推理，而文字识别（reader）只能读出文字。需下载 ${size}。`,
        fetching: ({ title }) => `正在下载 ${title}；在此期间由文字识别（reader）回答，只能读出文字。`,
        loading: ({ title }) => `${title} 已下载，正在加载；在此期间由文字识别（reader）回答。`,
        failed: ({ title, reason }) => `无法获得 ${title}：${reason}`,
        ready: ({ title }) => `${title} 已就绪，新的提问由它回答。`,
      },
    },
  }[kimi.language];
  const colon = kimi.language === "zh" ? "：" : ": ";
  const [BUSY, QUIET, REFUSED] = [1500, 10000, 30000]; // milliseconds until the next look
  const TOAST = 15000; // milliseconds for which it is told that the better engine is ready

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
  const yes = element("button", "engine-banner-button", { type: "button" });
  const no = element("button", "engine-banner-button", { type: "button" });
  box.append(dot, sentence, figures, help, retry, yes, no, dismiss, bar);

  const dismissedKey = (note) => `kimi-dismissed-${note}`;
  let engine = null;
  let coming = { state: "" };
  let awaited = false; // whether this page has seen a better engine on its way
  let readySince = 0;
  let clockSkew = 0;

  function sentenceOf({ state, phase, note, why }) {
    if (state === "ready") return [words.notes[note], why].filter(Boolean).join(" ");
    return phase ? words[state] + colon + phase : words[state];
  }

  const megabytes = (bytes) => `${Math.round(bytes / 1e6).toLocaleString(kimi.language)} MB`;
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
    return localStorage.getItem(dismissedKey(`coming-${state}`)) === null;
  }

  function drawComing() {
    const { state, total, done, speed } = coming;
    const fetching = state === "fetching";
    const key = state === "declined" ? "asking" : state;
    const text = words.coming[key]({ ...coming, size: size(total) });
    if (sentence.textContent !== text) sentence.textContent = text;
    const known = fetching && total > 0;
    const seconds = speed ? Math.round((total - done) / speed) : 0;
    const parts = [
      known ? `${Math.floor((100 * done) / total)} %` : "",
      fetching && speed ? `${(speed / 1e6).toFixed(1)} MB/s` : "",
      fetching && seconds ? words.left(words.elapsed(seconds < 120 ? seconds : 60 * Math.round(seconds / 60))) : "",
    ];
    figures.textContent = parts.filter(Boolean).join(" · ");
    box.dataset.state = fetching || state === "loading" ? "starting" : state === "failed" ? "failed" : "ready";
    bar.hidden = !known;
    bar.value = known ? (100 * done) / total : 0;
    help.hidden = retry.hidden = true;
    yes.hidden = !["asking", "declined", "failed"].includes(state);
    yes.textContent = state === "failed" ? words.again : words.yes;
    no.hidden = !coming.may || !["asking", "fetching"].includes(state);
    no.textContent = fetching ? words.stop : words.no;
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
        ({ engine, coming = coming } = await response.json());
        draw();
        pause = engine.state === "ready" && !["fetching", "loading"].includes(coming.state) ? QUIET : BUSY;
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
  async function say(answer) {
    yes.disabled = no.disabled = true;
    // Who has just declined need not read the same again.
    if (answer === "no" && coming.state === "asking") localStorage.setItem(dismissedKey("coming-declined"), "1");
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
    else localStorage.setItem(dismissedKey(isComing() ? `coming-${coming.state}` : engine.note), "1");
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
