// kimi.files: what happens to files between the chooser, the clipboard or the drop, and the composer's attachments.
"use strict";

kimi.files = (() => {
  const MOST_NAMES = 10; // in one sentence

  // The files that the question has room for; `fail` says which are left out.
  function room(files, { max_files: limit }, fail) {
    const free = Math.max(0, limit - kimi.drafts.attached().length);
    const left = files.slice(free).map(({ name }) => name);
    if (left.length) {
      const more = left.length - MOST_NAMES;
      const names = left.slice(0, MOST_NAMES).join(kimi.text.comma);
      fail(fill(kimi.text.tooMany, { limit, names: more > 0 ? fill(kimi.text.andMore, { names, count: more }) : names }));
    }
    return files.slice(0, free);
  }

  // The files of a paste. Cells of a spreadsheet are text with a picture of them: text wins, unless it only names files.
  function pasted(data) {
    const files = [...(data?.items ?? [])].filter(({ kind }) => kind === "file").map((item) => item.getAsFile());
    const lines = (data?.getData("text/plain") ?? "").split(/[\r\n]+/).filter((line) => line.trim());
    const named = (line) => files.some(({ name }) => [name, encodeURI(name)].some((end) => line.trim().endsWith(end)));
    return lines.every(named) ? files : [];
  }

  // A file that could not be uploaded because the page has no session yet, or no connection, is uploaded again with its
  // question. Otherwise the failure is raised.
  function later({ status }, id, failure) {
    if (![0, 401, 404, 502, 503, 504].includes(status)) throw failure;
    return { id };
  }

  // The browser's chooser belongs to a composer. If React has replaced that while it was open, the new one gets the
  // files.
  function handOver(old) {
    const observer = new MutationObserver(take);
    function take() {
      const input = document.getElementById(old.id);
      if (!input) return false;
      observer.disconnect();
      input.files = old.files;
      return input.dispatchEvent(new Event("change", { bubbles: true }));
    }
    if (!take()) observer.observe(document, { childList: true, subtree: true });
  }

  document.addEventListener(
    "click",
    ({ target }) => {
      if (target.id !== "upload-button-input") return;
      target.addEventListener("change", () => target.isConnected || handOver(target), { once: true });
    },
    true,
  );

  // The caption of a sent picture, such as "receipt.pdf · page 2 · 2 of 6". The server names pages "receipt.pdf (2)".
  function caption(element, all) {
    const page = /^(.+\.(?:pdf|tiff?)) \((\d+)\)$/i.exec(element.name);
    const parts = page ? [page[1], fill(kimi.text.pageNumber, { number: page[2] })] : [element.name];
    const number = all.indexOf(element) + 1;
    if (all.length > 1) parts.push(fill(kimi.text.numberOf, { number, count: all.length }));
    return parts.join(" · ");
  }

  // Makes a picture a button that shows it large.
  function button(press) {
    const onKeyDown = (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      press();
    };
    return { role: "button", tabIndex: 0, onClick: press, onKeyDown };
  }

  // A dialog for something large, with its button to close it; it is not shown yet.
  function viewer(name, ...content) {
    const dialog = document.createElement("dialog");
    const close = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
    close.setAttribute("aria-label", kimi.text.close);
    dialog.className = "large-picture";
    dialog.setAttribute("aria-label", name);
    dialog.setAttribute("role", "dialog");
    dialog.append(close, ...content);
    close.addEventListener("click", () => dialog.close());
    // A tooltip that is open takes Escape for itself.
    dialog.addEventListener("keydown", ({ key }) => key === "Escape" && dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    return dialog;
  }

  // Shows an attachment large, until the next click or Escape.
  function enlarge(url, name) {
    const dialog = viewer(name, Object.assign(document.createElement("img"), { src: url, alt: name }));
    dialog.addEventListener("click", () => dialog.close());
    dialog.showModal();
  }

  return { room, pasted, later, caption, button, viewer, enlarge };
})();
