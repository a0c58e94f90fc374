// kimi.markdown: what is drawn of a message. Models write LaTeX as \( \), \[ \], $ $ and $$ $$; the renderer knows
// $$ alone (a single $ is money to it). Here the other three become $$, outside code, and the rest stays as it is.
"use strict";

kimi.markdown = (() => {
  const INLINE = String.raw`(?:(?!\n[ \t]*\n)[^])`; // any character, not beyond the paragraph
  const TOKENS = new RegExp(
    [
      // Fenced code, to its end or to the end of the text (while it is being written).
      String.raw`(?<fenced>(?<=^|\n)[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)?(?<fence>\`{3,}|~{3,})[^\n]*(?:\n(?![ \t>]*\k<fence>)[^\n]*)*(?:\n[ \t>]*\k<fence>[\`~]*)?)`,
      String.raw`(?<code>(?<ticks>\`+)(?!\`)${INLINE}*?(?<!\`)\k<ticks>(?!\`))`,
      // No formula is as long as the limits; they keep the search short where a delimiter is never closed.
      String.raw`\\\[(?<display>[^]{0,8000}?)\\\]`,
      String.raw`\\\((?<inline>${INLINE}{0,2000}?)\\\)`,
      String.raw`(?<escaped>\\[^])`,
      String.raw`\$\$(?<dollars>(?:\\[^]|[^\\$])+?)\$\$`,
      // As in Pandoc: tight on the inside, no word or figure on the outside. `$5 and $6` is no formula, nor is `US$5`.
      String.raw`(?<![\w$])\$(?<single>(?![\s$])(?:\\[^\n]|[^\\$\n])*?(?<!\s))\$(?![\w$])`,
    ].join("|"),
    "g",
  );

  function isFormula(source) {
    if (/^[A-Z_][A-Z0-9_]+$/.test(source)) return false; // an environment variable
    return (
      /\\[A-Za-z{}|,;!]|[\^_=<>]/.test(source) ||
      /^[A-Za-z]'*$/.test(source) ||
      /^-?\d+(?:[.,]\d+)*$/.test(source) ||
      /^\(?-?(?:[A-Za-z]|\d+)(?:\s*[-+*/,]\s*(?:[A-Za-z]|\d+))+\)?$/.test(source)
    );
  }

  const oneLine = (formula) => formula.trim().replace(/\s*\n\s*/g, " ");
  const inlineMath = (formula) => `$$${oneLine(formula)}$$`;

  // A formula on lines of its own is set as a block, at the place in a list or quotation where its first line stands.
  function displayMath(source, match, offset, formula) {
    const lineStart = source.lastIndexOf("\n", offset - 1) + 1;
    const before = source.slice(lineStart, offset);
    const after = /^[^\n]*/.exec(source.slice(offset + match.length))[0];
    if (!/^[ \t>]*$/.test(before) || after.trim()) return `$$\\displaystyle ${oneLine(formula)}$$`;
    const lines = formula.trim().split("\n").map((line) => line.replace(/^[ \t>]+/, "")).filter(Boolean);
    return ["$$", ...lines, "$$"].join(`\n${before}`);
  }

  return function markdown(source) {
    if (!/\$|\\[([]/.test(source)) return source;
    return source.replace(TOKENS, (match, ...rest) => {
      const { display, inline, dollars, single } = rest.at(-1);
      const offset = rest.at(-3);
      if (display?.trim()) return displayMath(source, match, offset, display);
      if (inline?.trim()) return inlineMath(inline);
      if (dollars?.trim()) {
        const math = displayMath(source, match, offset, dollars);
        return math.startsWith("$$\n") ? math : match;
      }
      if (single !== undefined && isFormula(single)) return inlineMath(single);
      return match;
    });
  };
})();
