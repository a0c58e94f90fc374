// What the keyboard does: shortcuts with their list, keys in an edited question, the link to the message box, and where
// the focus goes when its button disappears.
"use strict";

(() => {
  const text = kimi.text;
  const composer = () => document.getElementById("chat-input");
  const toComposer = () => composer()?.focus();
  const isTyping = (element) => element.matches?.("input, textarea, select, [contenteditable]");
  const isDialogOpen = () => document.querySelector("[role=dialog], [role=alertdialog], dialog[open]") !== null;

  function copyLast() {
    const buttons = document.querySelectorAll(
      `[data-step-type="assistant_message"] button[aria-label="${CSS.escape(text.copy)}"]`,
    );
    [...buttons].at(-1)?.click();
  }

  // The keys, what they do in words, and the function; those without one are handled elsewhere.
  const KEYS = [
    ["Enter", text.send],
    ["Shift+Enter", text.newLine],
    ["Shift+Esc", text.toComposer, toComposer],
    ["Ctrl+Shift+O", text.newChat, () => document.getElementById("new-chat-button")?.click()],
    ["Ctrl+K", text.searchChats],
    ["Ctrl+B", text.sidebar],
    ["Ctrl+Shift+C", text.copyLast, copyLast],
    ["Ctrl+Enter", text.saveEdit],
    ["Esc", text.closeDialog],
    ["?", text.showShortcuts, showList],
  ];

  function keyOf({ key, ctrlKey, metaKey, altKey, shiftKey }) {
    if (key === "?") return "?";
    const name = key === "Escape" ? "Esc" : key.length === 1 ? key.toUpperCase() : key;
    return [(ctrlKey || metaKey) && "Ctrl", altKey && "Alt", shiftKey && "Shift", name].filter(Boolean).join("+");
  }

  const element = (tag, attributes, ...children) => {
    const made = Object.assign(document.createElement(tag), attributes);
    made.append(...children);
    return made;
  };

  function showList() {
    const rows = KEYS.map(([keys, words]) => {
      const caps = keys.split("+").map((key) => element("kbd", { textContent: key }));
      return element("tr", {}, element("th", { scope: "row" }, ...caps), element("td", { textContent: words }));
    });
    const close = element("button", { type: "button", textContent: text.close });
    const title = element("h2", { id: "shortcuts-title", textContent: text.shortcuts });
    const dialog = element("dialog", { className: "panel" }, title, element("table", {}, ...rows), close);
    dialog.setAttribute("aria-labelledby", title.id);
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }
  kimi.showShortcuts = showList;

  // In an edited question the keys do what they do in the message box; Escape leaves it as it was.
  function inEdit(event) {
    const group = event.target.closest(".group");
    const confirm = group.querySelector(".confirm-edit");
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      confirm.click();
    } else if (event.key === "Escape") {
      event.preventDefault();
      confirm.previousElementSibling.click();
      setTimeout(() => group.querySelector(".edit-message")?.focus());
    }
  }

  document.addEventListener("keydown", (event) => {
    // Safari reports the Enter that ends a composition as key 229, after the composition has ended.
    if (event.isComposing || event.keyCode === 229 || event.defaultPrevented) return;
    if (event.target.id === "edit-chat-input") return inEdit(event);
    const key = keyOf(event);
    if (key === "?" && isTyping(event.target)) return;
    const act = KEYS.find(([keys]) => keys === key)?.[2];
    if (!act || isDialogOpen()) return;
    event.preventDefault();
    act();
  });

  // An open tooltip takes the first Escape for itself, but the dialog is meant.
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape" || !event.isTrusted) return;
      if (!document.querySelector("[role=tooltip]") || !document.querySelector("[role=dialog]")) return;
      const { target } = event;
      const again = () => target.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
      // Until the tooltip has faded, it would take the key again.
      setTimeout(() => document.querySelector("[role=dialog]") && again(), 200);
    },
    true,
  );

  // These buttons disappear when they are pressed, before the event has reached the document. On a phone the keyboard on
  // the screen would open.
  document.addEventListener(
    "click",
    (event) => {
      const pressed = event.target.closest?.("#stop-button, .confirm-edit");
      if (pressed && (event.detail === 0 || matchMedia("(hover: hover)").matches)) setTimeout(toComposer);
    },
    true,
  );

  document.addEventListener("DOMContentLoaded", () => {
    const skip = element("a", { className: "skip-link", href: "#chat-input", textContent: text.skip });
    skip.addEventListener("click", (event) => {
      event.preventDefault();
      toComposer();
    });
    document.body.prepend(skip);
  });
})();
