// Additions to Chainlit's front end. The first of the scripts: small helpers for the patches.
"use strict";

const kimi = (() => {
  const text = words.page;
  const root = document.documentElement;

  // The drop zone's message about rejected files: one sentence for each reason, with the file's name.
  function refused(rejections, spec) {
    const sentences = rejections.map(({ file, errors }) => {
      const code = errors[0].code;
      const values = { name: file.name, limit: spec.max_size_mb };
      return fill(code === "file-too-large" ? text.tooLarge : text.wrongType, values);
    });
    return [...new Set(sentences)].join("\n");
  }

  // The same component, which React renders again only if its properties change. `React` is the bundle's.
  const memos = new Map();
  function memo(React, component) {
    if (!memos.has(component)) memos.set(component, React.memo(component));
    return memos.get(component);
  }

  // The links in the header that this user may open, in their language: the server decides who may see the status.
  function links(all, user) {
    const status = { name: words.status.title, display_name: null };
    const allowed = all.filter((link) => link.url !== "/status" || user?.metadata?.watches);
    return allowed.map((link) => (link.url === "/status" ? { ...link, ...status } : link));
  }

  // `fail` shows a sentence.
  async function signOutEverywhere(fail) {
    try {
      await kimi.drafts.clear();
      const reply = await fetch("/api/sign-out-everywhere", { method: "POST" });
      if (!reply.ok && reply.status !== 401) throw new Error(reply.statusText);
      location.assign("/");
    } catch {
      fail(text.requestFailed);
    }
  }

  // The other language is named in itself, so that those who need it can read it.
  const [language, other] = root.lang === "en" ? ["zh", "中文"] : ["en", "English"];

  function switchLanguage() {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `kimi-language=${language}; path=/; max-age=31536000; samesite=lax${secure}`;
    location.reload();
  }

  // Before anyone is signed in there is no menu with this choice.
  document.addEventListener("DOMContentLoaded", () => {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "language-switch" });
    Object.assign(button, { lang: language, textContent: other, onclick: switchLanguage });
    document.body.append(button);
  });

  // The camera of a phone: its picture goes the way of a chosen file. `jsx` is the bundle's.
  function takePicture() {
    const camera = Object.assign(document.createElement("input"), { type: "file", accept: "image/*" });
    camera.setAttribute("capture", "environment");
    camera.addEventListener("change", () => {
      const chooser = document.getElementById("upload-button-input");
      if (!chooser || !camera.files.length) return;
      chooser.files = camera.files;
      chooser.dispatchEvent(new Event("change", { bubbles: true }));
    });
    camera.click();
  }

  const LENS =
    "M14.5 4h-5L7 7H4a2 2 0 0 0-2 2v9a2 2 0 0 0 2 2h16a2 2 0 0 0 2-2V9a2 2 0 0 0-2-2h-3zM12 9.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7";

  function Camera({ jsx }) {
    const drawing = { width: 22, height: 22, viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", strokeWidth: 2 };
    const icon = jsx("svg", { ...drawing, "aria-hidden": true, children: jsx("path", { d: LENS }) });
    const press = { type: "button", "aria-label": text.camera, title: text.camera, onClick: takePicture };
    return jsx("button", { ...press, className: "camera-button", children: icon });
  }

  return { text, other, language, switchLanguage, Camera, refused, memo, links, signOutEverywhere };
})();

// Only pages over https or from this machine have the clipboard API; elsewhere, emulate it with execCommand.
if (!navigator.clipboard) {
  const copyAll = (parts) => {
    const area = Object.assign(document.createElement("textarea"), { value: parts["text/plain"] });
    (document.querySelector("[role=dialog]") ?? document.body).append(area);
    area.select();
    const give = (event) => {
      for (const [type, words] of Object.entries(parts)) event.clipboardData.setData(type, words);
      event.preventDefault();
    };
    document.addEventListener("copy", give, { once: true });
    const copied = document.execCommand("copy");
    document.removeEventListener("copy", give);
    area.remove();
    if (!copied) throw new Error(kimi.text.copyFailed);
  };
  window.ClipboardItem ??= class {
    constructor(parts) {
      this.parts = parts;
    }
  };
  const writeText = async (content) => copyAll({ "text/plain": content });
  const write = async ([{ parts }]) => {
    const read = async ([type, blob]) => [type, await blob.text()];
    copyAll(Object.fromEntries(await Promise.all(Object.entries(parts).map(read))));
  };
  Object.defineProperty(navigator, "clipboard", { value: { write, writeText } });
}

// While a file is dragged over the page, the style sheet shows that it can be dropped anywhere.
(() => {
  const dropping = (on) => document.documentElement.classList.toggle("dropping", on);
  document.addEventListener("dragover", (event) => dropping(event.dataTransfer.types.includes("Files")));
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && dropping(false));
  for (const end of ["drop", "dragend"]) document.addEventListener(end, () => dropping(false), true);
})();

// The bars of the browser, and of the installed app, have the colour of the page.
(() => {
  const bar = Object.assign(document.createElement("meta"), { name: "theme-color" });
  document.head.append(bar);
  const tint = () => {
    bar.content = `hsl(${getComputedStyle(document.documentElement).getPropertyValue("--background")})`;
  };
  new MutationObserver(tint).observe(document.documentElement, { attributeFilter: ["class", "style"] });
  tint();
})();
