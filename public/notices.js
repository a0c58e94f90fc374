// kimi.notices: when an answer begins and is ready, on the screen or in a chat that was left: marks in the list of
// chats, notices, the title of the tab, system notifications, and announcements for screen readers.
"use strict";

kimi.notices = (() => {
  const LONG = 20_000; // milliseconds after which a wait is long enough to offer a notification
  const OFFER = "notify-offer"; // the id of that notice
  const DECLINED = "kimi-notify-declined";

  const spoken = Object.assign(document.createElement("div"), { className: "sr-only" });
  spoken.setAttribute("aria-live", "polite");
  document.addEventListener("DOMContentLoaded", () => document.body.append(spoken));
  const say = (sentence) => (spoken.textContent = sentence);

  let toast = null; // Chainlit's
  let marks = { writing: [], asking: [], done: {} };
  const redraws = new Set();
  let title = null; // of the tab, while it says that an answer is ready

  const open = (id) => kimi.go(`/thread/${id}`);

  // Where the browser allows it, and asks the user only after a click.
  const canNotify = () => isSecureContext && "Notification" in window;

  function notify(sentence, id) {
    if (!document.hidden) return;
    title ??= document.title;
    document.title = `✓ ${kimi.text.answered} · ${title}`;
    if (!canNotify() || Notification.permission !== "granted") return;
    try {
      const notification = new Notification("Kimi-VL Chat", { body: sentence, tag: id, icon: "/public/favicon.svg" });
      notification.onclick = () => {
        focus();
        if (id && !location.pathname.endsWith(id)) open(id);
        notification.close();
      };
    } catch {
      // Some phones allow them to service workers only.
    }
  }

  document.addEventListener("visibilitychange", () => {
    if (title === null || document.hidden) return;
    document.title = title;
    title = null;
  });

  // The browser's question follows the user's click, as browsers require.
  function offer() {
    if (!canNotify() || Notification.permission !== "default" || localStorage.getItem(DECLINED)) return;
    const decline = () => localStorage.setItem(DECLINED, "1");
    toast(kimi.text.notifyOffer, {
      id: OFFER,
      duration: Infinity,
      action: { label: kimi.text.notify, onClick: () => Notification.requestPermission() },
      cancel: { label: kimi.text.notNow, onClick: decline },
    });
  }

  function done({ id, name, failed }) {
    const sentence = fill(failed ? kimi.text.failedNotice : kimi.text.doneNotice, { name });
    const action = { label: kimi.text.openChat, onClick: () => open(id) };
    // An error stays until it is closed.
    (failed ? toast.error : toast)(sentence, { id: `done-${id}`, duration: failed ? Infinity : LONG, action });
    notify(sentence, id);
  }

  // A tool waits for the user's decision, in this chat or in one that was left.
  function asks({ id, name }) {
    const sentence = fill(kimi.text.asksNotice, { name }).trim();
    const here = location.pathname.endsWith(id);
    if (!here && name) {
      const action = { label: kimi.text.openChat, onClick: () => open(id) };
      toast(sentence, { id: `asks-${id}`, duration: LONG, action });
    }
    say(sentence);
    notify(sentence, id);
  }

  // Called for every socket. The server ends the turn of every page that connects, whether or not one ran.
  function connected(socket, chainlitToast) {
    toast = chainlitToast;
    let running = false;
    let timer = 0;
    const rest = () => {
      running = false;
      clearTimeout(timer);
      toast.dismiss(OFFER);
    };
    socket.on("task_start", () => {
      if (running) return;
      running = true;
      say(kimi.text.answerBegun);
      timer = setTimeout(offer, LONG);
    });
    socket.on("task_end", () => {
      if (!running) return;
      rest();
      say(kimi.text.answered);
      notify(kimi.text.answered, location.pathname.split("/").at(-1));
    });
    socket.on("disconnect", rest);
    socket.on("answer_done", done);
    socket.on("chat_asks", asks);
    socket.on("chat_marks", (now) => {
      marks = now;
      for (const redraw of redraws) redraw();
    });
  }

  function markOf(id) {
    if (marks.asking.includes(id)) return ["asking", kimi.text.chatAsking];
    if (marks.writing.includes(id)) return ["writing", kimi.text.chatWriting];
    if (!(id in marks.done)) return null;
    return marks.done[id] ? ["failed", kimi.text.chatFailed] : ["done", kimi.text.chatDone];
  }

  // Beside the name of a chat in the list. `react` and `jsx` are the bundle's.
  function Mark({ react: { useEffect, useState }, jsx, id }) {
    const [, draw] = useState(0);
    useEffect(() => {
      const redraw = () => draw((count) => count + 1);
      redraws.add(redraw);
      return () => redraws.delete(redraw);
    }, []);
    const mark = markOf(id);
    return mark && jsx("span", { className: `chat-mark chat-mark-${mark[0]}`, children: mark[1] });
  }

  return { connected, say, Mark };
})();
