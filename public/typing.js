// What is typed or pasted goes into the composer, wherever the focus is, except in dialogs, menus and other fields.
"use strict";

(() => {
  const FIELDS = "input, textarea, select, [contenteditable]";
  const ABOVE = "[role=dialog], [role=alertdialog], [role=menu], [role=listbox]";

  function composerFor({ target, defaultPrevented }) {
    if (defaultPrevented || target.closest?.(FIELDS) || document.querySelector(ABOVE)) return null;
    return document.getElementById("chat-input");
  }

  // "Process" is the first key of an input method, such as one for Chinese. "?" is left to lists of shortcuts.
  function types(event) {
    const command = event.metaKey || ((event.ctrlKey || event.altKey) && !event.getModifierState("AltGraph"));
    return !command && (event.key === "Process" || (event.key.length === 1 && !" ?".includes(event.key)));
  }

  addEventListener("keydown", (event) => {
    if (types(event)) composerFor(event)?.focus();
  });

  // In a closed list of presets a letter would choose the one that begins with it, and so leave the chat.
  addEventListener(
    "keydown",
    (event) => {
      if (!types(event) || !event.target.closest?.("[role=combobox][aria-expanded=false]")) return;
      event.stopPropagation();
      composerFor(event)?.focus();
    },
    true,
  );

  addEventListener("paste", (event) => {
    const composer = composerFor(event);
    if (!composer) return;
    event.preventDefault();
    composer.focus();
    const { clipboardData } = event;
    // Chainlit's composer takes files from the event; only a trusted one inserts text by itself.
    const handled = !composer.dispatchEvent(
      new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }),
    );
    if (!handled) document.execCommand("insertText", false, clipboardData.getData("text/plain"));
  });
})();
