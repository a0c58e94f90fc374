// Where the focus goes when its element disappears or is disabled: browsers leave it nowhere, and the next Tab starts at
// the top. Anyone who uses a pointer is left alone: on a phone the keyboard on the screen would open.
"use strict";

(() => {
  const MOST = 50; // remembered elements
  const SETTLED = 100; // milliseconds in which a dialog that closes gives the focus back by itself

  let byKeyboard = false;
  let past = []; // what had the focus, the latest last
  let timer = 0;

  const rows = () => [...document.querySelectorAll("#thread-history li a")];
  const isUsable = (element) => element?.isConnected && !element.disabled && element.getClientRects().length > 0;

  function remember({ target }) {
    if (!byKeyboard || target === document.body) return;
    const row = target.closest("#thread-history li");
    const now = { element: target, id: target.id, row: row?.id, index: rows().indexOf(row?.querySelector("a")) };
    past = [...past.filter(({ element }) => element !== target), now].slice(-MOST);
  }

  // The element itself, what replaces it, or for a chat that was deleted the one in its place.
  function find({ element, id, row, index }) {
    if (isUsable(element)) return element;
    if (row) return document.getElementById(row)?.querySelector("a") ?? rows()[Math.min(index, rows().length - 1)];
    return id ? document.getElementById(id) : null;
  }

  const isLost = () =>
    byKeyboard && document.activeElement === document.body && past.length > 0 && !isUsable(past.at(-1).element);

  function giveBack() {
    timer = 0;
    if (!isLost()) return;
    const nowhere = () => document.activeElement === document.body;
    while (past.length && nowhere()) {
      const next = find(past.pop());
      if (isUsable(next)) next.focus();
    }
    if (nowhere()) document.getElementById("chat-input")?.focus();
  }

  document.addEventListener("keydown", () => (byKeyboard = true), true);
  document.addEventListener("pointerdown", () => ([byKeyboard, past] = [false, []]), true);
  document.addEventListener("focusin", remember);
  new MutationObserver(() => {
    if (!timer && isLost()) timer = setTimeout(giveBack, SETTLED);
  }).observe(document, { childList: true, subtree: true, attributeFilter: ["disabled"] });
})();
