// kimi.code: blocks of code. The reader's whole text below its quotes is folded, and it and comma-separated values can
// be saved as files.
"use strict";

kimi.code = (() => {
  const TEXT = "transcript"; // the language that the reader gives the text (engine/reader/answering/answer.py)
  const LEAST = 3; // lines worth a file
  // The byte order mark is how a spreadsheet sees that the file is UTF-8.
  const FILES = { [TEXT]: ["text.txt", "text/plain", ""], csv: ["table.csv", "text/csv", "\ufeff"] };

  const languageOf = (className) => /language-(\w+)/.exec(className || "")?.[1];
  const ICON = { width: 16, height: 16, viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", strokeWidth: 2 };
  const icon = (jsx, d) => jsx("svg", { ...ICON, "aria-hidden": true, children: jsx("path", { d }) });

  // Whether the block is shown, and the button in its heading that changes that; null for a block that is not folded.
  function useFold(useState, jsx, className, text) {
    const [open, setOpen] = useState(false);
    if (languageOf(className) !== TEXT) return null;
    const lines = String(text ?? "").trimEnd().split("\n").length;
    const heading = jsx("button", {
      type: "button",
      className: "fold",
      "aria-expanded": open,
      onClick: () => setOpen(!open),
      children: [icon(jsx, "m9 18 6-6-6-6"), fill(kimi.text.allText, { lines })],
    });
    return { open, heading };
  }

  // A cell that begins like a formula is made text, unless it is a number: what was read is no program to run.
  function withoutFormulas(csv) {
    const formula = /^(?:[=＝@＠\t\r]|[-+](?!\s?[$¥€£]?[\d.,\s]*(?:e[-+]?\d+)?\s?[%‰$¥€£元]?$))/i;
    return csv.replace(/("(?:[^"]|"")*"|[^",\n]*)(?=,|\n|$)/g, (cell) => {
      const quote = cell.startsWith('"') ? '"' : "";
      const text = cell.slice(quote.length);
      return formula.test(quote ? text.slice(0, -1) : text) ? `${quote}'${text}` : cell;
    });
  }

  function save(language, text) {
    const [name, type, mark] = FILES[language];
    const content = language === "csv" ? withoutFormulas(text) : text;
    const url = URL.createObjectURL(new Blob([mark + content], { type: `${type};charset=utf-8` }));
    kimi.save(url, name);
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  // The button that saves the block; nothing where it is no text for a file.
  function saveButton(jsx, Button, className, text) {
    const language = languageOf(className);
    if (!Object.hasOwn(FILES, language) || String(text ?? "").trimEnd().split("\n").length < LEAST) return null;
    return jsx(Button, {
      variant: "ghost",
      size: "icon",
      className: "text-muted-foreground",
      "aria-label": kimi.text.saveText,
      title: kimi.text.saveText,
      onClick: () => save(language, text),
      children: icon(jsx, "M21 15v4a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-4M7 10l5 5 5-5M12 15V3"),
    });
  }

  // The class of a block as Chainlit is to see it: the text has no highlighter, so that its lines wrap.
  const shown = (className) => (languageOf(className) === TEXT ? "" : className);

  return { useFold, saveButton, shown, withoutFormulas };
})();
