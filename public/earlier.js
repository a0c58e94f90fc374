// kimi.turns: long chats. The server sends the last screen; earlier turns are loaded when the user scrolls up to them
// or presses the button above, and the scroll position stays at what the user is reading.
"use strict";

kimi.turns = (() => {
  const NEAR = 800; // pixels from the top at which earlier turns are requested
  const PATIENCE = 15_000; // milliseconds until the button can be pressed again

  let socket = null;
  let sessionId = "";
  let page = null; // Chainlit's functions to add a step and to say something, its setters of messages, elements, actions
  let earlier = 0; // the number of turns before the first one shown
  let asked = ""; // the first turn on the page when more were requested
  let announced = "";
  let leftAlone = false; // whether the button disappears while it has the keyboard's focus
  let patience = 0;
  let follows = { current: true }; // Chainlit's: whether the page scrolls to its end with new content
  let messages = []; // the messages on the page, nested as Chainlit has them
  let stays = false; // whether a part of the page stays above the turns received
  let redraw = () => {};

  function state(changes) {
    ({ earlier = earlier, asked = asked, announced = announced } = changes);
    clearTimeout(patience);
    if (asked) patience = setTimeout(() => state({ asked: "" }), PATIENCE);
    redraw();
  }

  // Called for every socket: a session gets a new one once it has learned its preset.
  function connected(newSocket, chainlit) {
    [socket, page] = [newSocket, chainlit];
    if (socket.auth.sessionId !== sessionId) {
      sessionId = socket.auth.sessionId;
      kimi.frames.forget();
      state({ earlier: 0, asked: "", announced: "" });
    }
    socket.on("earlier_turns", came);
  }

  // Replaces the pictures and buttons of these steps.
  function belongings({ steps, elements, actions }) {
    const ids = new Set(steps.map(({ id }) => id));
    const others = (before) => before.filter(({ forId }) => !ids.has(forId));
    page.elements((before) => [...others(before), ...elements]);
    page.actions((before) => [...others(before), ...actions]);
  }

  // A chat is opened or resumed: returns what stays on the page above the turns received.
  function above({ goes_on: goesOn, steps }) {
    const at = goesOn && steps.length ? messages.findIndex(({ id }) => id === steps[0].id) : -1;
    stays = at >= 0;
    return messages.slice(0, Math.max(0, at));
  }

  function resumed(turns) {
    if (sought && location.pathname.endsWith(`/${sought.chat}`)) sought.open = true;
    if (stays) {
      belongings(turns);
      state({ asked: "" });
    } else {
      kimi.frames.forget();
      page.elements(turns.elements);
      page.actions(turns.actions);
      state({ earlier: turns.earlier, asked: "", announced: "" });
    }
  }

  function came(turns) {
    // The page may have switched to another branch, another chat or none.
    if (turns.before !== asked || !column()) return;
    if (turns.before !== first()) return state({ asked: "" });
    leftAlone = !turns.earlier && document.activeElement?.parentElement?.className === "earlier-turns";
    const steps = turns.steps.reduce(page.add, []);
    keepPlace(() => {
      page.messages((before) => [...steps, ...before]);
      belongings(turns);
    });
    const questions = steps.length;
    state({ earlier: turns.earlier, asked: "", announced: questions ? fill(kimi.text.earlierShown, { count: questions }) : "" });
  }

  const column = () => document.querySelector(".earlier-turns")?.parentElement;
  const shown = () => [...column().querySelectorAll(":scope > .step")];

  // The id of the first question on the page.
  const first = () => messages.find(({ type }) => type === "user_message")?.id ?? "";

  function ask() {
    const before = first();
    if (!earlier || asked || !before) return;
    state({ asked: before, announced: "" });
    socket.emit("earlier_turns", { before });
  }

  // A message of a chat that is being opened, to which the page goes once it is there.
  let sought = null;
  function seek(chat, id) {
    sought = { chat, id, open: location.pathname.endsWith(`/${chat}`) };
    goOn();
  }

  function goOn() {
    if (!sought || !messages.length || !location.pathname.endsWith(`/${sought.chat}`)) return;
    const { id } = sought;
    if (!messages.some((message) => message.id === id)) {
      if (earlier) {
        ask();
      } else if (sought.open) {
        // It belongs to a version that the chat does not show at present.
        sought = null;
        page.say(kimi.text.hitHidden);
      }
      return;
    }
    sought = null;
    // After Chainlit has scrolled to the end of a chat that it opens.
    const go = () => {
      follows.current = false;
      document.getElementById(`step-${id}`)?.scrollIntoView({ block: "start" });
    };
    for (const milliseconds of [0, 300]) setTimeout(go, milliseconds);
  }

  // Keeps the scroll position when steps are inserted above it, before the browser paints them. The browser's own
  // anchoring does nothing at the very top, and is switched off here, because both together would scroll twice as far.
  function keepPlace(change) {
    const box = column().parentElement;
    const [top, ...others] = shown();
    const edge = box.getBoundingClientRect().top;
    const read = [top, ...others].find((step) => step.getBoundingClientRect().bottom > edge) ?? top;
    const before = read.offsetTop;
    const observer = new MutationObserver(() => {
      if (shown()[0] === top) return;
      observer.disconnect();
      box.scrollTop += read.offsetTop - before;
      requestAnimationFrame(() => box.style.removeProperty("overflow-anchor"));
    });
    box.style.setProperty("overflow-anchor", "none");
    observer.observe(column(), { childList: true });
    // Chainlit misses the user's scrolling while it scrolls by itself, and would then scroll to the end.
    if (box.scrollTop + box.clientHeight < box.scrollHeight - 10) follows.current = false;
    change();
  }

  // The button above the turns, and the announcement for screen readers. `react` and `jsx` are the bundle's.
  function Earlier({ react: { useEffect, useRef, useState }, jsx, useMessages, follow }) {
    messages = useMessages().messages;
    const [, draw] = useState(0);
    const place = useRef(null);
    useEffect(() => {
      redraw = () => draw((count) => count + 1);
      follows = follow;
      const box = place.current.parentElement.parentElement;
      let last = box.scrollTop;
      const scrolled = () => {
        if (box.scrollTop < last && box.scrollTop < NEAR) ask();
        last = box.scrollTop;
      };
      box.addEventListener("scroll", scrolled, { passive: true });
      return () => {
        redraw = () => {};
        box.removeEventListener("scroll", scrolled);
      };
    }, []);
    useEffect(() => {
      // The button disappears with the last of the turns; move the keyboard's focus to the top of the chat.
      if (!leftAlone || earlier) return;
      leftAlone = false;
      place.current.setAttribute("tabindex", "-1");
      place.current.focus({ preventScroll: true });
    });
    useEffect(goOn);
    const label = asked ? kimi.text.loadingEarlier : kimi.text.showEarlier;
    const button = { type: "button", "aria-disabled": Boolean(asked), onClick: ask, children: label };
    return jsx("div", {
      className: "earlier-turns",
      ref: place,
      children: [
        earlier ? jsx("button", button, "button") : null,
        jsx("span", { className: "sr-only", role: "status", children: announced }, "status"),
      ],
    });
  }

  return { connected, above, resumed, seek, Earlier };
})();
