// The status page: polls the status every two seconds and draws it.
"use strict";

(() => {
  const { text, ask, header, link, number, element, duration, clock, gibibytes, meter, plot, median } = watch;
  const EVERY = 2000; // milliseconds
  document.title = `${text.title} · Kimi-VL Chat`;

  const card = (name, title, ...inside) => {
    const made = element("section", `card card-${name}`, element("h2", "", title), ...inside);
    made.dataset.card = name;
    return made;
  };
  const body = (name) => element("div", `body body-${name}`);
  const parts = Object.fromEntries(
    ["facts", "why", "now", "first", "speed", "machine", "history"].map((name) => [name, body(name)]),
  );
  const state = element("span", "state");
  state.setAttribute("role", "status");
  const away = Object.assign(element("p", "away"), { hidden: true });
  const say = (sentence) => Object.assign(away, { hidden: !sentence, textContent: sentence });
  const why = element("details", "why", element("summary", "", text.why), parts.why);
  const retry = Object.assign(element("button", "button", text.retry), { type: "button", hidden: true });
  const main = document.getElementById("status");
  main.append(
    header(text.title, state, link(text.toPlan, "/plan"), link(text.toChat, "/")),
    away,
    element(
      "div",
      "grid",
      card("engine", text.engine, parts.facts, why, retry),
      card("first", text.firstToken, parts.first),
      card("speed", text.speed, parts.speed),
      card("now", text.now, parts.now),
      card("machine", text.machine, parts.machine),
      card("history", text.history, parts.history),
    ),
    element("section", "card card-logs", element("h2", "", text.logs), element("div", "logs", ...watch.logs.boxes)),
  );

  // Replaced only if it has changed, so as not to disturb scrolling or a selection.
  function put(place, ...inside) {
    const next = element("div", "", ...inside);
    if (place.innerHTML !== next.innerHTML) place.replaceChildren(...next.childNodes);
  }

  const fact = (name, ...value) => [element("dt", "", name), element("dd", "", ...value)];

  function drawEngine({ engine, plan, now }) {
    const since = Date.parse(engine.since);
    state.textContent = text.states[engine.state] ?? engine.state;
    state.dataset.state = engine.state;
    const doing = [engine.phase, engine.percent === null ? "" : `${Math.round(engine.percent)} %`].filter(Boolean);
    const unit = plan?.unit === "character" ? text.characters : text.tokens;
    const context = plan?.context && fill(unit, { count: number(plan.context) });
    put(
      parts.facts,
      element("p", "headline", plan ? plan.title : "–"),
      doing.length ? element("p", "doing", doing.join(" · ")) : null,
      element(
        "dl",
        "facts",
        ...fact(text.runsOn, [plan?.engine ?? engine.kind, plan?.accelerator].filter(Boolean).join(", ") || "–"),
        ...(context ? fact(text.context, context) : []),
        ...fact(text.since, `${clock(since)} (${duration(Math.max(0, now - since / 1000))})`),
        ...fact(text.restarts, String(engine.restarts)),
      ),
    );
    why.hidden = !plan?.reasons.length;
    put(parts.why, element("ul", "", ...(plan?.reasons ?? []).map((reason) => element("li", "", reason))));
    retry.hidden = engine.state !== "failed";
  }

  function drawNow({ chats }) {
    const waiting = chats.waiting + (chats.queued ?? 0);
    const figures = [
      [chats.open, text.open],
      [chats.answering, text.answering],
      [waiting, text.waiting],
    ];
    put(
      parts.now,
      ...figures.map(([value, name]) =>
        element("div", "figure", element("strong", "", String(value)), element("span", "", name)),
      ),
    );
  }

  function drawPlot(place, points, now, label, unit) {
    if (!points.length) {
      put(place, element("p", "nothing", text.noTurns));
      return;
    }
    const middle = median(points.map(([, value]) => value));
    const figure = middle >= 10 ? Math.round(middle).toLocaleString("en") : middle.toFixed(middle >= 1 ? 1 : 2);
    put(
      place,
      element("p", "headline", `${figure} ${unit}`, element("span", "quiet", ` ${text.median} · ${text.lastHour}`)),
      plot(points, now, `${label}: ${text.median} ${figure} ${unit}, ${text.lastHour}`),
    );
  }

  function drawMachine({ load }) {
    const devices = load.devices.flatMap((device) => [
      device.memory === null
        ? meter(device.name, "–", null)
        : meter(
            `${device.name} · ${text.deviceMemory}`,
            `${gibibytes(device.used)} / ${gibibytes(device.memory)}`,
            device.used / device.memory,
          ),
      device.busy === null
        ? null
        : meter(`${device.name} · ${text.deviceLoad}`, `${Math.round(device.busy)} %`, device.busy / 100),
    ]);
    put(
      parts.machine,
      ...(devices.length ? devices : [element("p", "quiet", text.noDevice)]),
      meter(fill(text.processor, { cores: load.cores }), `${Math.round(load.cpu)} %`, load.cpu / 100),
      meter(text.memory, `${gibibytes(load.used)} / ${gibibytes(load.memory)}`, load.used / load.memory, true),
      meter(text.disk, gibibytes(load.disk_free), null),
    );
  }

  function drawHistory({ changes }) {
    const rows = changes.toReversed().map(({ at, part, state: then, phase }) => {
      const dot = element("span", "dot");
      dot.dataset.state = then;
      const time = Object.assign(element("time", "", clock(Date.parse(at))), { dateTime: at });
      const what = element("span", "what", (text[part] ?? part) + text.colon + (text.states[then] ?? then));
      return element("li", "", dot, time, what, phase ? element("span", "quiet", phase) : null);
    });
    put(parts.history, rows.length ? element("ol", "", ...rows) : element("p", "nothing", text.noHistory));
    const list = parts.history.querySelector("ol");
    if (list) list.tabIndex = 0;
  }

  function drawAll(seen) {
    const points = (which) => seen.turns.filter((turn) => turn[which] !== null).map((turn) => [turn[0], turn[which]]);
    const unit = seen.plan?.unit === "character" ? text.charactersPerSecond : text.perSecond;
    drawEngine(seen);
    drawNow(seen);
    drawPlot(parts.first, points(1), seen.now, text.firstToken, text.seconds);
    drawPlot(parts.speed, points(2), seen.now, text.speed, unit);
    drawMachine(seen);
    drawHistory(seen);
  }

  async function look() {
    if (!document.hidden) {
      try {
        const reply = await ask("/api/overview");
        if (reply.ok) drawAll(await reply.json());
        say(reply.status === 403 ? (await reply.json()).detail : reply.ok || reply.status === 401 ? "" : text.away);
        main.classList.toggle("refused", reply.status === 403);
      } catch {
        say(text.away);
      }
    }
    setTimeout(look, EVERY);
  }

  retry.addEventListener("click", async () => {
    retry.disabled = true;
    try {
      await fetch("/api/retry", { method: "POST" });
    } finally {
      retry.disabled = false;
    }
  });
  document.addEventListener("visibilitychange", () => document.documentElement.classList.toggle("away", document.hidden));
  look();
  watch.logs.follow();
})();
