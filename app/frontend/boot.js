// Runs before anything is rendered; the lines above set window.theme from public/theme.json, and window.words from
// app/locales/browser: the texts of both languages, of which this script keeps the user's.

// Chainlit's bundle expects Node's `global`, as a lexical global.
const global = globalThis;

// A sentence with values for its {names}.
const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);

(() => {
  const root = document.documentElement;
  // The user's choice (public/page.js) counts more than the browser's language; Chainlit reads it here, too.
  const chosen = document.cookie.match(/(?:^|; )kimi-language=(en|zh)(?:;|$)/)?.[1];
  if (chosen) {
    const language = chosen === "zh" ? "zh-CN" : "en-US";
    Object.defineProperty(navigator, "language", { get: () => language, configurable: true });
  }
  const chinese = (navigator.language || "").toLowerCase().startsWith("zh");
  root.lang = chinese ? "zh-CN" : "en";
  window.words = window.words[chinese ? "zh" : "en"];

  // Chainlit has no default that follows the system, so set it here unless the user chose otherwise.
  let theme = localStorage.getItem("vite-ui-theme");
  if (!["light", "dark", "system"].includes(theme)) {
    theme = "system";
    localStorage.setItem("vite-ui-theme", theme);
  }
  // The first paint already has the right colours: no white flash before the application has loaded.
  const dark = theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.classList.add(dark ? "dark" : "light");
  for (const [name, value] of Object.entries(window.theme[dark ? "dark" : "light"])) {
    root.style.setProperty(name, value);
  }
})();
