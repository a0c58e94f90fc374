// What the page adds to Chainlit's front end. First of its scripts: small help for patches.
"use strict";

const kimi = (() => {
  const text = words.page;

  // What the drop zone says about the files that it did not take: one sentence for each reason, with the file's name.
  function refused(rejections, spec) {
    const sentences = rejections.map(({ file, errors }) => {
      const code = errors[0].code;
      if (code === "too-many-files") return fill(text.tooMany, { limit: spec.max_files });
      const values = { name: file.name, limit: spec.max_size_mb };
      return fill(code === "file-too-large" ? text.tooLarge : text.wrongType, values);
    });
    return [...new Set(sentences)].join("\n");
  }

  // The same component, which React draws again only for other properties. `React` is the bundle's own.
  const memos = new Map();
  function memo(React, component) {
    if (!memos.has(component)) memos.set(component, React.memo(component));
    return memos.get(component);
  }

  // Of the links in the header, those that this person may open: the status is for whom the server lets see it.
  function links(all, user) {
    return all.filter((link) => link.url !== "/status" || user?.metadata?.watches);
  }

  // `fail` shows a sentence.
  async function signOutEverywhere(fail) {
    try {
      const reply = await fetch("/api/sign-out-everywhere", { method: "POST" });
      if (!reply.ok && reply.status !== 401) throw new Error(reply.statusText);
      location.assign("/");
    } catch {
      fail(text.requestFailed);
    }
  }

  return { text, refused, memo, links, signOutEverywhere };
})();

// Only a page from https or from this machine may use the clipboard; elsewhere the old way stands in for the new one.
if (!navigator.clipboard) {
  const writeText = async (content) => {
    const area = Object.assign(document.createElement("textarea"), { value: content });
    (document.querySelector("[role=dialog]") ?? document.body).append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    if (!copied) throw new Error(kimi.text.copyFailed);
  };
  window.ClipboardItem ??= class {
    constructor(parts) {
      this.parts = parts;
    }
  };
  const write = async ([item]) => writeText(await item.parts["text/plain"].text());
  Object.defineProperty(navigator, "clipboard", { value: { write, writeText } });
}

// An answer that is finished while nobody looks marks the tab until somebody does.
(() => {
  let running = false;
  let title = null;
  const see = () => {
    if (title !== null && !document.hidden) {
      document.title = title;
      title = null;
    }
  };
  document.addEventListener("visibilitychange", see);
  setInterval(() => {
    const now = document.getElementById("stop-button") !== null;
    if (running && !now && document.hidden && title === null) {
      title = document.title;
      document.title = `✓ ${kimi.text.answered} · ${title}`;
    }
    running = now;
  }, 1000);
})();

// A file held over the page: the style sheet shows that it may be dropped anywhere.
(() => {
  const dropping = (on) => document.documentElement.classList.toggle("dropping", on);
  document.addEventListener("dragover", (event) => dropping(event.dataTransfer.types.includes("Files")));
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && dropping(false));
  for (const end of ["drop", "dragend"]) document.addEventListener(end, () => dropping(false), true);
})();
