// Gives buttons with only an icon a name for screen readers, before they are painted.
"use strict";

(() => {
  const NAMES = {
    "#new-chat-button": "newChat",
    "#chat-submit": "send",
    "#stop-button": "stop",
    "#chat-settings-open-modal": "settings",
    "#user-nav-button": "account",
    "#sidebar-trigger-button": "sidebar",
    "#search-chats-button": "searchChats",
    "#chat-profiles": "presets",
    ".edit-message": "edit",
  };
  const ALL = Object.keys(NAMES).join();

  function name(element) {
    const [, word] = Object.entries(NAMES).find(([selector]) => element.matches(selector));
    element.setAttribute("aria-label", kimi.text[word]);
  }

  function see(node) {
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    if (node.matches(ALL)) name(node);
    node.querySelectorAll(ALL).forEach(name);
  }

  // React reuses the send button as the stop button, so only its id changes.
  new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) (addedNodes.length ? addedNodes : [target]).forEach(see);
  }).observe(document, { childList: true, subtree: true, attributeFilter: ["id"] });
})();
