// kimi.compare: two answers beside each other in a dialog, with their differences. The server compares them.
"use strict";

kimi.compare = (() => {
  const element = (tag, attributes, ...children) => {
    const made = Object.assign(document.createElement(tag), attributes);
    made.append(...children);
    return made;
  };

  let socket = null;
  let dialog = null;
  let pressed = ""; // the id of the button, which loses the focus while the server compares

  document.addEventListener("click", ({ target }) => {
    pressed = target.closest?.('[id^="compare-"]')?.id ?? pressed;
  });

  // Texts only, so that nothing of an answer becomes a part of this page. The space after a word is not marked.
  const marked = (stretches) =>
    stretches.flatMap(([text, differs]) => {
      const end = differs ? text.trimEnd().length : 0;
      return end ? [element("mark", { textContent: text.slice(0, end) }), text.slice(end)] : [text];
    });

  function summary(places) {
    if (!places) return kimi.text.compareSame;
    return places === 1 ? kimi.text.comparePlace : fill(kimi.text.comparePlaces, { count: places });
  }

  function column(found, side) {
    const { at, figures, question, answer } = found.sides[side];
    const options = found.versions.map((label, value) => element("option", { value, textContent: label }));
    const choice = element("select", {}, ...options);
    choice.value = at;
    choice.setAttribute("aria-label", kimi.text.compareWith);
    choice.addEventListener("change", () => {
      const pair = found.sides.map((one) => one.at);
      pair[side] = Number(choice.value);
      socket.emit("compare", { turn: found.turn, pair });
    });
    return element(
      "section",
      {},
      choice,
      element("p", { className: "comparison-figures", textContent: figures }),
      ...(question.length ? [element("blockquote", {}, ...marked(question))] : []),
      element("div", { className: "comparison-text" }, ...marked(answer)),
    );
  }

  function open() {
    dialog = element("dialog", { className: "panel comparison" });
    dialog.setAttribute("aria-labelledby", "comparison-title");
    dialog.addEventListener("close", () => {
      dialog.remove();
      dialog = null;
      document.getElementById(pressed)?.focus();
    });
    document.body.append(dialog);
    dialog.showModal();
  }

  function came(found) {
    if (!dialog) open();
    // The list that was just used keeps the focus.
    const used = [...dialog.querySelectorAll("select")].indexOf(document.activeElement);
    const close = element("button", { type: "button", textContent: kimi.text.close });
    close.addEventListener("click", () => dialog.close());
    const told = element("p", { textContent: summary(found.places) });
    told.setAttribute("role", "status");
    dialog.replaceChildren(
      element("h2", { id: "comparison-title", textContent: kimi.text.compare }),
      told,
      element("div", { className: "comparison-columns" }, column(found, 0), column(found, 1)),
      close,
    );
    dialog.querySelectorAll("select")[Math.max(0, used)].focus();
  }

  // Called for every socket.
  function connected(newSocket) {
    socket = newSocket;
    socket.on("comparison", came);
  }

  return { connected };
})();
