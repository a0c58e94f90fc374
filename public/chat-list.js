// kimi.chats: the rows of the list of chats, their pins, and the hits of a search.
"use strict";

kimi.chats = (() => {
  const PINNED = "Pinned"; // the group's key beside Chainlit's, such as "Today"

  // Chainlit groups the chats by date; those that are pinned have a group of their own.
  function groups(threads, byDate) {
    const pinned = threads.filter(({ metadata }) => metadata?.pinned);
    const others = byDate(threads.filter(({ metadata }) => !metadata?.pinned));
    return pinned.length ? { [PINNED]: pinned, ...others } : others;
  }

  function day(date) {
    const sameYear = date.getFullYear() === new Date().getFullYear();
    const year = sameYear ? undefined : "numeric";
    return date.toLocaleDateString(navigator.language, { year, month: "short", day: "numeric" });
  }

  // What distinguishes chats that begin with the same question: when, and about which file.
  function about({ createdAt, metadata }) {
    const date = new Date(createdAt);
    const today = date.toDateString() === new Date().toDateString();
    const time = date.toLocaleTimeString(navigator.language, { hour: "numeric", minute: "2-digit" });
    // The first page of a PDF is called "a.pdf (1)", and the first frame of a video "a.mp4 · 0:00".
    const file = metadata?.file?.replace(/(\.\w+) (\(\d+\)|· [\d:]+)$/, "$1");
    return [today ? time : `${day(date)} ${time}`, file].filter(Boolean).join(" · ");
  }

  // `change` changes the list; `fail` shows a sentence.
  async function pin({ id, metadata }, change, fail) {
    const pinned = !metadata?.pinned;
    const body = JSON.stringify({ pinned });
    const headers = { "Content-Type": "application/json" };
    const reply = await fetch(`/api/threads/${id}/pinned`, { method: "PUT", headers, body }).catch(() => null);
    if (!reply?.ok) return fail(kimi.text.requestFailed);
    const changed = (one) => (one.id === id ? { ...one, metadata: { ...one.metadata, pinned } } : one);
    change((list) => ({ ...list, threads: list.threads.map(changed) }));
  }

  // A hit of a search: the chat's name, the day, and the words around the match. `jsx` is the bundle's.
  function Hit({ jsx, chat }) {
    const { name, createdAt, metadata } = chat;
    const line = (className, children) => jsx("div", { className, children }, className);
    const details = [day(new Date(createdAt)), metadata?.found].filter(Boolean).join(" · ");
    return jsx("div", {
      children: [line("line-clamp-2", name || kimi.text.newChat), line("chat-about line-clamp-2", details)],
    });
  }

  function openHit({ id, metadata }) {
    if (metadata?.message) kimi.turns.seek(id, metadata.message);
  }

  // Each row is one stop for the Tab key. The arrows go to the other rows, and to the row's menu and back.
  addEventListener("keydown", (event) => {
    const item = event.target.closest?.("#thread-history li");
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const links = [...document.querySelectorAll("#thread-history li a")];
    const link = item.querySelector("a");
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    let next = null;
    if (event.target === link && event.key in steps) next = links[links.indexOf(link) + steps[event.key]];
    else if (event.target === link && event.key === "ArrowRight") next = item.querySelector("#thread-options");
    else if (event.target !== link && event.key === "ArrowLeft") next = link;
    if (!next) return;
    event.preventDefault();
    next.focus();
  });

  return { groups, about, pin, Hit, openHit };
})();
