// kimi.ahead: tells the server what is attached, so that the model looks at it while the question is being typed, and shows
// on the attachments that it does (app/page/asking/warm_ups.py).
"use strict";

kimi.ahead = (() => {
  const OPENING = 1000; // milliseconds after a connection until its chat is surely open
  const EYE = "M2 12s3.5-6.5 10-6.5S22 12 22 12s-3.5 6.5-10 6.5S2 12 2 12zM12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5";
  const TICK = "M5 12.5l4.5 4.5L19 7.5";

  let socket = null;
  let attached = []; // as Chainlit has them
  let told = "[]";
  let opening = 0;
  let looking = new Set(); // the ids of the files that the model looks at now
  const seen = new Set();
  const redraws = new Set();

  // Those from the first on that are uploaded: the model sees them in their order.
  function uploaded() {
    const end = attached.findIndex(({ serverId }) => !serverId);
    return attached.slice(0, end < 0 ? attached.length : end).map(({ serverId }) => serverId);
  }

  function tell() {
    const files = uploaded();
    if (!socket?.connected || opening || JSON.stringify(files) === told) return;
    told = JSON.stringify(files);
    socket.emit("attached", files);
  }

  function came({ files, state }) {
    const before = looking;
    looking = new Set(state === "looking" ? files.filter((file) => !seen.has(file)) : []);
    if (state === "seen") files.forEach((file) => seen.add(file));
    const names = (ids) => attached.filter(({ serverId }) => ids.has(serverId)).map(({ name }) => name);
    if (looking.size) kimi.notices.say(fill(kimi.text.lookingAt, { names: names(looking).join(kimi.text.comma) }));
    else if (state === "seen") kimi.notices.say(fill(kimi.text.lookedAt, { names: names(before).join(kimi.text.comma) }));
    for (const redraw of redraws) redraw();
  }

  // Called for every socket.
  function connected(newSocket) {
    socket = newSocket;
    socket.on("connect", () => {
      clearTimeout(opening);
      opening = setTimeout(() => {
        [told, opening] = ["[]", 0];
        tell();
      }, OPENING);
    });
    socket.on("read_ahead", came);
  }

  function changed(all) {
    attached = all;
    tell();
  }

  // On an attachment in the composer. `react` and `jsx` are the bundle's.
  function Sign({ react: { useEffect, useState }, jsx, file }) {
    const [, draw] = useState(0);
    useEffect(() => {
      const redraw = () => draw((count) => count + 1);
      redraws.add(redraw);
      return () => redraws.delete(redraw);
    }, []);
    if (!looking.has(file) && !seen.has(file)) return null;
    const [state, title, d] = looking.has(file) ? ["looking", kimi.text.looking, EYE] : ["seen", kimi.text.seen, TICK];
    const drawing = { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", strokeWidth: 2.5, "aria-hidden": true };
    const icon = jsx("svg", { ...drawing, children: jsx("path", { d }) });
    return jsx("span", { className: `ahead-sign ahead-${state}`, role: "img", title, "aria-label": title, children: icon });
  }

  return { connected, changed, Sign };
})();
