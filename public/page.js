// Additions to Chainlit's front end. The first of the scripts: small helpers for the patches.
"use strict";

const kimi = (() => {
  const text = words.page;

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

  // The links in the header that this user may open: the server decides who may see the status.
  function links(all, user) {
    return all.filter((link) => link.url !== "/status" || user?.metadata?.watches);
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

  return { text, refused, memo, links, signOutEverywhere };
})();

// Only pages over https or from this machine have the clipboard API; elsewhere, emulate it with execCommand.
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

// While a file is dragged over the page, the style sheet shows that it can be dropped anywhere.
(() => {
  const dropping = (on) => document.documentElement.classList.toggle("dropping", on);
  document.addEventListener("dragover", (event) => dropping(event.dataTransfer.types.includes("Files")));
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && dropping(false));
  for (const end of ["drop", "dragend"]) document.addEventListener(end, () => dropping(false), true);
})();
