// The building blocks of the status page and the generator of commands. The first of their scripts.
"use strict";

const watch = (() => {
  const text = words.status;
  const number = (count) => count.toLocaleString(document.documentElement.lang);

  // An element with its content: strings and elements; null is skipped.
  function element(tag, className, ...inside) {
    const made = Object.assign(document.createElement(tag), { className });
    made.append(...inside.filter((part) => part !== null && part !== undefined));
    return made;
  }

  const UNITS = Object.entries({ day: 86400, hour: 3600, minute: 60, second: 1 });

  function duration(seconds) {
    const at = UNITS.findIndex(([, size]) => seconds >= size);
    if (at < 0) return `0 ${text.units.second}`;
    const parts = UNITS.slice(at, at + 2).map(([name, size], n, both) => {
      const count = Math.floor((n ? seconds % both[0][1] : seconds) / size);
      return count || !n ? `${count} ${text.units[name]}` : "";
    });
    return parts.filter(Boolean).join(" ");
  }

  const clock = (moment) =>
    new Intl.DateTimeFormat(document.documentElement.lang, {
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hourCycle: "h23",
      ...(Date.now() - moment > 20 * 3600e3 ? { month: "short", day: "numeric" } : {}),
    }).format(moment);

  const gibibytes = (bytes) => {
    const value = bytes / 2 ** 30;
    return `${value >= 100 ? Math.round(value) : value.toFixed(1)} GiB`;
  };

  // A name, a figure, and a bar of length `share` (0-1; null for none), which turns red if a `scarce` one runs out.
  function meter(name, figure, share, scarce = false) {
    const bar = share === null ? null : element("div", "bar", element("div", "bar-fill"));
    if (bar) {
      const percent = Math.round(Math.min(Math.max(share, 0), 1) * 100);
      bar.firstChild.style.width = `${percent}%`;
      if (scarce && percent >= 90) bar.classList.add("bar-high");
      bar.setAttribute("role", "meter");
      bar.setAttribute("aria-label", name);
      for (const [key, value] of [["min", 0], ["max", 100], ["now", percent]]) bar.setAttribute(`aria-value${key}`, value);
    }
    return element("div", "meter", element("span", "meter-name", name), element("span", "meter-figure", figure), bar);
  }

  const SVG = "http://www.w3.org/2000/svg";
  function draw(tag, attributes) {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  // A round number slightly above `most`.
  function niceTop(most) {
    const power = 10 ** Math.floor(Math.log10(most));
    return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((top) => top >= most * 1.05) ?? 10 * power;
  }

  // For an even count, the mean of the middle two, as in `./start.sh status`.
  function median(values) {
    const sorted = values.slice().sort((a, b) => a - b);
    return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.floor(sorted.length / 2)]) / 2;
  }

  // The last hour as dots, with a line through the medians of five-minute intervals. `points`: [Unix time, value].
  function plot(points, now, label) {
    const [width, height, left, right, bottom, top] = [420, 150, 34, 8, 20, 8];
    const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, class: "plot", role: "img", "aria-label": label });
    const highest = niceTop(Math.max(...points.map(([, value]) => value), 1e-3));
    const x = (at) => left + (1 - Math.min(Math.max(now - at, 0), 3600) / 3600) * (width - left - right);
    const y = (value) => height - bottom - (value / highest) * (height - bottom - top);
    for (const share of [0, 0.5, 1]) {
      const line = y(highest * share);
      svg.append(draw("line", { x1: left, x2: width - right, y1: line, y2: line, class: "plot-grid" }));
      const figure = draw("text", { x: left - 6, y: line + 3.5, class: "plot-figure", "text-anchor": "end" });
      figure.textContent = Number((highest * share).toPrecision(2));
      svg.append(figure);
    }
    for (const minutes of [60, 45, 30, 15, 0]) {
      const anchor = minutes === 0 ? "end" : minutes === 60 ? "start" : "middle";
      const mark = draw("text", { x: x(now - minutes * 60), y: height - 5, class: "plot-figure", "text-anchor": anchor });
      mark.textContent = clock((now - minutes * 60) * 1000).slice(-8, -3);
      svg.append(mark);
    }
    for (const [at, value] of points) svg.append(draw("circle", { cx: x(at), cy: y(value), r: 2.5, class: "plot-dot" }));
    const pieces = Map.groupBy
      ? [...Map.groupBy(points, ([at]) => Math.floor(at / 300)).values()]
      : Object.values(points.reduce((all, point) => ((all[Math.floor(point[0] / 300)] ??= []).push(point), all), {}));
    const path = pieces.map((piece) => `${x(median(piece.map(([at]) => at)))},${y(median(piece.map(([, v]) => v)))}`);
    if (path.length > 1) svg.append(draw("polyline", { points: path.join(" "), class: "plot-line" }));
    return svg;
  }

  // Asks for data. Where no login form is needed, an ended login is renewed; otherwise the form is at /login.
  async function ask(address) {
    const once = () => fetch(address, { cache: "no-store" });
    const reply = await once();
    if (reply.status !== 401) return reply;
    const renewed = await fetch("/auth/header", { method: "POST" });
    const again = renewed.ok ? await once() : reply;
    if (again.status === 401) location.replace("/login");
    return again;
  }

  const logo = (shade) => Object.assign(element("img", `logo logo-${shade}`), { src: `/public/logo_${shade}.svg`, alt: "" });
  const link = (name, href) => Object.assign(element("a", "button", name), { href });
  const header = (title, ...inside) => element("header", "top", logo("light"), logo("dark"), element("h1", "", title), ...inside);

  return { text, ask, header, link, number, element, duration, clock, gibibytes, meter, plot, median };
})();
