// The progress of an answer: one small line above the composer, sent by the server once a second.
"use strict";

(() => {
  const line = Object.assign(document.createElement("div"), { className: "pulse", hidden: true });
  // It changes every second, so screen readers do not announce it.
  line.setAttribute("aria-live", "off");
  let timer = 0;
  const hide = () => (line.hidden = true);
  addEventListener("message", ({ origin, data }) => {
    if (origin !== location.origin || data?.type !== "kimi-pulse") return;
    clearTimeout(timer);
    const composer = document.getElementById("message-composer");
    if (!data.text || !composer) return hide();
    if (line.parentElement !== composer.parentElement) composer.parentElement.append(line);
    line.textContent = data.text;
    line.classList.toggle("pulse-silent", data.silent);
    line.hidden = false;
    // No update arrives if another chat was opened or the server is unreachable.
    timer = setTimeout(hide, 3500);
  });
})();
