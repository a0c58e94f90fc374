// How an answer under way goes: one quiet line above the composer, sent by the server once a second.
"use strict";

(() => {
  const line = Object.assign(document.createElement("div"), { className: "pulse", hidden: true });
  // It changes every second: whoever wants it read out asks for it.
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
    // Another chat was opened, or the server is away: then nothing more comes.
    timer = setTimeout(hide, 3500);
  });
})();
