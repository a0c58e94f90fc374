// Runs before anything is drawn; the lines above it set window.theme from public/theme.json, and window.words from
// app/locales/browser: the words of both languages, of which those of the person's stay.

// Chainlit's bundle expects Node's name for the global object, as a lexical global.
const global = globalThis;

// A sentence with its values in place of its {names}.
const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);

(() => {
  const root = document.documentElement;
  const chinese = (navigator.language || "").toLowerCase().startsWith("zh");
  root.lang = chinese ? "zh-CN" : "en";
  window.words = window.words[chinese ? "zh" : "en"];

  // Chainlit knows no default that follows the system: say so in its place, unless the person chose otherwise.
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
