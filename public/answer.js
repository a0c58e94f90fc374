// kimi.answer: an answer outside of the page: copied as Markdown, as plain or as formatted text, shared, or printed.
"use strict";

kimi.answer = (() => {
  const { text } = kimi;
  const MOST_PICTURES = 10; // of a question, to be shared with its answer
  const KEPT = ["href", "colspan", "rowspan", "start"];
  const LINK = /^(https?|mailto):/i;

  const element = (tag, ...children) => {
    const made = document.createElement(tag);
    made.append(...children);
    return made;
  };

  // The rendered answer without buttons, and without anything that belongs to this page. Formulas stay as MathML.
  function cleaned(content) {
    const copy = content.cloneNode(true);
    for (const bold of copy.querySelectorAll("span.font-bold")) bold.replaceWith(element("strong", ...bold.childNodes));
    for (const part of copy.querySelectorAll("button, svg, img, iframe, script, style, annotation, [aria-hidden=true]")) {
      part.remove();
    }
    for (const part of copy.querySelectorAll("*")) {
      const align = part.style?.textAlign;
      for (const { name, value } of [...part.attributes]) {
        if (!KEPT.includes(name) || (name === "href" && !LINK.test(value))) part.removeAttribute(name);
      }
      if (align) part.setAttribute("align", align);
      if (part.localName === "table") part.setAttribute("border", "1");
    }
    return copy;
  }

  const html = (content) => cleaned(content).innerHTML;

  // As the browser would copy it: cells with tabs between them, which a spreadsheet takes as columns.
  function plain(content) {
    const written = content.cloneNode(true);
    for (const formula of written.querySelectorAll(".katex")) {
      formula.replaceWith(formula.querySelector("annotation")?.textContent ?? formula.textContent);
    }
    const copy = cleaned(written);
    Object.assign(copy.style, { position: "fixed", left: "-200vw" });
    document.body.append(copy);
    const words = copy.innerText.replace(/\n{3,}/g, "\n\n").trim();
    copy.remove();
    return words;
  }

  async function copied(parts, toast) {
    try {
      const blobs = Object.entries(parts).map(([type, words]) => [type, new Blob([words], { type })]);
      await navigator.clipboard.write([new ClipboardItem(Object.fromEntries(blobs))]);
      toast(text.copied);
    } catch {
      toast.error(text.copyFailed);
    }
  }

  // The pictures of the question above an answer, as files.
  async function picturesOf(step) {
    let above = step;
    while (above && above.dataset.stepType !== "user_message") above = above.previousElementSibling;
    const pictures = [...(above?.querySelectorAll("img.inline-image") ?? [])].slice(0, MOST_PICTURES);
    return Promise.all(
      pictures.map(async ({ src, alt }, at) => {
        const blob = await (await fetch(src)).blob();
        const name = (alt || String(at + 1)).replace(/\.\w+$/, "");
        return new File([blob], `${name}.${blob.type.split("/")[1]}`, { type: blob.type });
      }),
    );
  }

  async function share(words, step, toast) {
    try {
      const files = await picturesOf(step).catch(() => []);
      const whole = { text: words, files };
      await navigator.share(files.length && navigator.canShare?.(whole) ? whole : { text: words });
    } catch (error) {
      // The user has closed the system's dialog, or there is none.
      if (error.name !== "AbortError") await copied({ "text/plain": words }, toast);
    }
  }

  const ICON = { width: 16, height: 16, viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", strokeWidth: 2 };
  const MORE = "m6 9 6 6 6-6";
  const SHARE = "M4 12v8a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-8M16 6l-4-4-4 4M12 2v13";

  // Beside the copy button; the one to share is for phones. `jsx` and `parts` are the bundle's, `toast` shows a sentence.
  function Menu({ jsx, parts: { Root, Trigger, Content, Item, Button }, words, content, toast }) {
    const icon = (d) => jsx("svg", { ...ICON, "aria-hidden": true, children: jsx("path", { d }) });
    const look = { variant: "ghost", size: "icon", className: "text-muted-foreground" };
    const item = (children, onClick) => jsx(Item, { onClick, children }, children);
    const rich = () => ({ "text/html": html(content.current), "text/plain": words });
    const items = [
      item(text.copyMarkdown, () => copied({ "text/plain": words }, toast)),
      item(text.copyPlain, () => copied({ "text/plain": plain(content.current) }, toast)),
      item(text.copyRich, () => copied(rich(), toast)),
      // After the menu has closed.
      item(text.printChat, () => setTimeout(print, 300)),
    ];
    const label = (title) => ({ "aria-label": title, title });
    const onShare = ({ currentTarget }) => share(words, currentTarget.closest(".step"), toast);
    const more = jsx(Button, { ...look, ...label(text.moreCopies), children: icon(MORE) });
    const menu = [jsx(Trigger, { asChild: true, children: more }, "more")];
    menu.push(jsx(Content, { align: "start", children: items }, "items"));
    const sharing = jsx(Button, { ...look, ...label(text.share), onClick: onShare, children: icon(SHARE) });
    const children = [
      jsx(Root, { children: menu }, "menu"),
      jsx("span", { className: "share-button", children: sharing }, "share"),
    ];
    return jsx("span", { className: "answer-menu", children });
  }

  return { Menu, html };
})();
