// kimi.markdown: a message as it is rendered. Models write LaTeX as \( \), \[ \], $ $ and $$ $$; the renderer knows
// only $$ (a single $ is money to it). This converts the other three to $$, outside code, and environments without any.
// It also handles **“bold”** within Chinese, which CommonMark does not recognise, <br>, and the times of a video's frames.
// The rest is unchanged.
"use strict";

kimi.markdown = (() => {
  const INLINE = String.raw`(?:(?!\n[ \t]*\n)[^])`; // any character within the paragraph
  const CLOSED = String.raw`[ \t>]*\k<fence>[\`~]*[ \t]*(?![^\n])`; // nothing follows on the line
  // Fenced code, to its end or to the end of the text (while it is being written).
  const FENCED = String.raw`(?<fenced>(?<=^|\n)[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)?(?<fence>\`{3,}(?![^\n]*\`)|~{3,})[^\n]*(?:\n(?!${CLOSED})[^\n]*)*(?:\n${CLOSED})?)`;
  const CODE = String.raw`(?<code>(?<ticks>\`+)(?!\`)${INLINE}*?(?<!\`)\k<ticks>(?!\`))`;
  const ESCAPED = String.raw`(?<escaped>\\[^])`;
  const TOKENS = new RegExp(
    [
      FENCED,
      CODE,
      // A run of spaces is tried from its beginning only, or the search grows with the square of its length.
      String.raw`(?<linebreak>(?:(?<![ \t])[ \t]+)?<br[ \t]*\/?>[ \t]*)`,
      // No formula reaches these limits; they keep the search short if a delimiter is never closed.
      String.raw`\\\[(?<display>[^]{0,8000}?)\\\]`,
      String.raw`\\\((?<inline>${INLINE}{0,2000}?)\\\)`,
      String.raw`(?<environment>\\begin\{(?<name>(?:aligned|gathered|cases|array|split|[pbvBV]?matrix)|(?:align|equation|gather|multline)\*?)\}[^]{0,8000}?\\end\{\k<name>\})`,
      ESCAPED,
      String.raw`\$\$(?<dollars>(?:\\[^]|[^\\$])+?)\$\$`,
      // As in Pandoc: no space on the inside, no letter or digit outside. `$5 and $6` is no formula, nor is `US$5`.
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

  // A dollar in a formula would be taken for its end.
  const oneLine = (formula) => formula.trim().replace(/(?<!\s)\s*\n\s*/g, " ").replaceAll("\\$", "\\text{\\textdollar}");
  const inlineMath = (formula) => `$$${oneLine(formula)}$$`;

  // A formula on separate lines is set as a block, at the level in a list or quotation of its first line.
  function displayMath(source, match, offset, formula) {
    const lineStart = source.lastIndexOf("\n", offset - 1) + 1;
    const before = source.slice(lineStart, offset);
    const after = /^[^\n]*/.exec(source.slice(offset + match.length))[0];
    if (!/^[ \t>]*$/.test(before) || after.trim()) return `$$\\displaystyle ${oneLine(formula)}$$`;
    const lines = formula.trim().split("\n").map((line) => line.replace(/^[ \t>]+/, "")).filter(Boolean);
    return ["$$", ...lines, "$$"].join(`\n${before}`);
  }

  // HTML is shown as text. In a cell a line break is a character, which style.css has drawn; elsewhere Markdown has one.
  function lineBreak(source, match, offset) {
    const lineStart = source.lastIndexOf("\n", offset - 1) + 1;
    const before = source.slice(lineStart, offset);
    const after = /^[^\n]*/.exec(source.slice(offset + match.length))[0];
    if (/\|/.test(before + after)) return "&#10;";
    if (/^[ \t>]*$/.test(before)) return before ? " " : "";
    if (/^[ \t>]*#/.test(before)) return " ";
    return after ? `  \n${/^[ \t>]*/.exec(before)[0]}` : "  ";
  }

  // Between a letter and a punctuation mark, ** begins or ends nothing bold: a rule for languages with spaces between
  // words. Written as its number, the letter is a punctuation mark to that rule, and the same to people.
  const BOLD = new RegExp(
    [FENCED, CODE, ESCAPED, String.raw`(?<bold>(?<stars>\*{2,3})(?![\s*])(?:\\[^\n]|[^*\n\\])+(?<!\s)\k<stars>(?!\*))`].join("|"),
    "g",
  );
  const CJK = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]$/u;
  const MARK = /^[\p{P}\p{S}]$/u;

  function bold(source) {
    const letters = new Set();
    for (const { 0: match, index, groups } of source.matchAll(BOLD)) {
      if (!groups.bold) continue;
      const { length } = groups.stars;
      const end = index + match.length;
      if (MARK.test(match.at(length)) && CJK.test(source.charAt(index - 1))) letters.add(index - 1);
      if (MARK.test(match.at(-length - 1)) && CJK.test(source.charAt(end))) letters.add(end);
    }
    if (!letters.size) return source;
    return source.replace(/[^]/g, (letter, at) => (letters.has(at) ? `&#${letter.charCodeAt(0)};` : letter));
  }

  // Times in a video's length become links to its frames (public/frames.js); not in code, links and formulas.
  const LINK = String.raw`(?<link>\[[^\]\n]*\]\([^)\n]*\)|https?:\/\/\S+)`;
  const MOMENT = String.raw`(?<![\w:.,\/])(?<moment>(?:\d{1,2}:)?\d{1,2}:\d\d)(?![\w:\/]|[.,]\d)`;
  const MOMENTS = new RegExp([FENCED, CODE, ESCAPED, LINK, MOMENT].join("|"), "g");

  function moments(source) {
    if (!/\d:\d\d/.test(source) || /\$|\\[([]/.test(source)) return source;
    return source.replace(MOMENTS, (match, ...rest) => {
      const { moment } = rest.at(-1);
      return moment && kimi.frames.reaches(moment) ? `[${moment}](#at-${moment})` : match;
    });
  }

  return function markdown(given) {
    const linked = moments(given);
    if (!/\$|\\[([]|\\begin\{|<br|\*\*/.test(linked)) return linked;
    const source = bold(linked);
    return source.replace(TOKENS, (match, ...rest) => {
      const { display, inline, dollars, single, linebreak, environment } = rest.at(-1);
      const offset = rest.at(-3);
      if (linebreak) return lineBreak(source, match, offset);
      if (environment) return displayMath(source, match, offset, environment);
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

// kimi.message: renders a message in parts. A streaming answer is rendered again at every frame, and parsing all of it
// each time takes longer as it grows. Complete parts are kept.
kimi.message = (() => {
  const SHORTEST = 400; // least characters of a part
  // A line that cannot continue anything above it: not a list, quotation, indented text, table or formula.
  const FRESH = /^(?:#{1,6}\s|\p{L})/u;
  const OPENING = /^[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)?(`{3,}(?!.*`)|~{3,})/;
  const CLOSING = /^[ \t>]*(`{3,}|~{3,})[ \t]*$/;
  // Inline code and escaped characters are skipped, or they would be taken for delimiters of formulas.
  const DELIMITERS = /(`+)(?!`)[^]*?(?<!`)\1(?!`)|`+|\\[^]|\$\$/g;
  // Syntax that refers to another place in the text: footnotes and reference links.
  const ELSEWHERE = /\[\^|^ {0,3}\[[^\]\n]+\]:/m;

  // Cuts a text into parts, each of which renders on its own as it does in the whole.
  function parts(source) {
    if (source.length < 2 * SHORTEST || ELSEWHERE.test(source)) return [source];
    const found = [];
    let [start, at, fence, blank, dollars, bracket, paragraph] = [0, 0, "", false, false, false, ""];
    const endParagraph = () => {
      for (const [delimiter] of paragraph.matchAll(DELIMITERS)) {
        if (delimiter === "$$") dollars = !dollars;
        else if (delimiter === "\\[" || delimiter === "\\]") bracket = delimiter === "\\[";
      }
      paragraph = "";
    };
    for (const line of source.split("\n")) {
      if (!fence && blank && at - start >= SHORTEST && !dollars && !bracket && FRESH.test(line)) {
        found.push(source.slice(start, at));
        start = at;
      }
      blank = !line.trim();
      const opened = fence ? "" : OPENING.exec(line)?.[1];
      if (blank || opened) endParagraph();
      if (opened) fence = opened;
      else if (!fence) paragraph += `${line}\n`;
      else if (CLOSING.exec(line)?.[1].startsWith(fence)) fence = "";
      at += line.length + 1;
    }
    return [...found, source.slice(start)];
  }

  // `jsx` is React's, `kept` a ref of the component; React skips an element that is identical to the previous one.
  function message(jsx, Markdown, kept, className, props, source) {
    const before = kept.current;
    kept.current = parts(String(source ?? "")).map((text, at) => {
      const old = before[at];
      const same = old?.text === text && Object.keys(props).every((name) => old.props[name] === props[name]);
      return same ? old : { text, props, element: jsx(Markdown, { ...props, children: kimi.markdown(text) }, at) };
    });
    return jsx("div", { className, children: kept.current.map(({ element }) => element) });
  }

  return Object.assign(message, { parts });
})();
