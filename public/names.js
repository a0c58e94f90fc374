// Gives buttons with only an icon a name for screen readers, and messages one that says who speaks, before they are painted.
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
    "[data-sonner-toast] [data-close-button]": "close",
    "[cmdk-list]": "searchChats",
    ".step[data-step-type=user_message]": "question",
    ".step[data-step-type=assistant_message]": "answer",
  };
  // Who speaks; and the sentence in an empty list of chats, for a list has only options.
  const ROLES = [
    [".step", "article"],
    ["[cmdk-empty]", "option"],
  ];
  const ALL = [...Object.keys(NAMES), ...ROLES.map(([selector]) => selector)].join();

  function name(element) {
    const fits = ([selector]) => element.matches(selector);
    const word = Object.entries(NAMES).find(fits)?.[1];
    const role = ROLES.find(fits)?.[1];
    if (word) element.setAttribute("aria-label", kimi.text[word]);
    if (role && (word || role === "option")) element.setAttribute("role", role);
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
