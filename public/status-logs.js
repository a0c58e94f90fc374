// The two logs on the status page: the last lines, then new ones, coloured by level.
"use strict";

watch.logs = (() => {
  const { text, element } = watch;
  const KEPT = 2000; // lines on the page
  const EVERY = 1000; // milliseconds

  function levelOf(line) {
    const found = /\b(DEBUG|WARN(?:ING)?|ERROR|CRITICAL)\b/.exec(line.slice(0, 100));
    return found ? found[1].toLowerCase().replace(/^warn$/, "warning").replace("critical", "error") : "";
  }

  function pane(name, title) {
    const lines = element("pre", "log-lines");
    lines.tabIndex = 0;
    lines.setAttribute("role", "log");
    lines.setAttribute("aria-live", "off");
    lines.setAttribute("aria-label", title);
    lines.dataset.empty = text.empty;
    const hint = element("span", "log-hint", text.live);
    const isAtEnd = () => lines.scrollHeight - lines.scrollTop - lines.clientHeight < 30;
    lines.addEventListener("scroll", () => {
      hint.textContent = isAtEnd() ? text.live : text.paused;
      hint.classList.toggle("log-hint-paused", !isAtEnd());
    });
    function add(added) {
      if (!added.length) return;
      const follow = isAtEnd();
      lines.append(...added.map((line) => element("span", levelOf(line), `${line}\n`)));
      while (lines.childElementCount > KEPT) lines.firstChild.remove();
      if (follow) lines.scrollTop = lines.scrollHeight;
    }
    const box = element("section", "log", element("header", "log-head", element("h3", "", title), hint), lines);
    box.dataset.log = name;
    return { box, add, at: "" };
  }

  const panes = { llm: pane("llm", text.engineLog), app: pane("app", text.pageLog) };

  async function follow() {
    if (!document.hidden) {
      try {
        const asked = new URLSearchParams(Object.entries(panes).map(([name, { at }]) => [name, at]));
        const reply = await fetch(`/api/logs?${asked}`, { cache: "no-store" });
        if (reply.ok) {
          for (const [name, { lines, at }] of Object.entries(await reply.json())) {
            panes[name].add(lines);
            panes[name].at = at;
          }
        }
      } catch {
        // The web process is unreachable; the status above reports that.
      }
    }
    setTimeout(follow, EVERY);
  }

  return { boxes: Object.values(panes).map(({ box }) => box), follow };
})();
