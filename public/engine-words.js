// The words in the message box fit the engine: the reader answers no question without a picture. The style sheet has the
// others of this kind; banner.js sets whether it answers.
"use strict";

(() => {
  const root = document.documentElement;
  let usual = ""; // the bundle's words

  function fit() {
    const box = document.getElementById("chat-input");
    if (!box) return;
    const reads = root.hasAttribute("data-reads");
    if (box.placeholder !== kimi.text.readerAsk) usual = box.placeholder;
    const wanted = reads ? kimi.text.readerAsk : usual;
    if (box.placeholder !== wanted) box.placeholder = wanted;
  }

  new MutationObserver(fit).observe(document, { childList: true, subtree: true, attributeFilter: ["data-reads"] });
})();
