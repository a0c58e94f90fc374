// The status page: its words, and the small parts it is drawn with. First of its scripts.
"use strict";

const watch = (() => {
  const words = {
    en: {
      title: "Status",
      toChat: "Chat",
      colon: ": ",
      states: { ready: "Ready", starting: "Starting", stopping: "Stopping", stopped: "Stopped", failed: "Failed" },
      engine: "Engine",
      page: "Page",
      model: "Model",
      runsOn: "Runs on",
      context: "Context",
      tokens: (count) => `${count.toLocaleString("en")} tokens`,
      characters: (count) => `${count.toLocaleString("en")} characters`,
      since: "Since",
      restarts: "Restarts",
      why: "Why this engine",
      retry: "Retry",
      now: "Now",
      open: "open chats",
      answering: "answers under way",
      waiting: "waiting",
      firstToken: "Time to first token",
      speed: "Speed",
      seconds: "s",
      perSecond: "tokens/s",
      charactersPerSecond: "characters/s",
      median: "median",
      lastHour: "last hour",
      noTurns: "No answers in the last hour",
      machine: "Machine",
      processor: (cores) => `Processor, ${cores} cores`,
      memory: "Memory",
      deviceMemory: "memory",
      deviceLoad: "load",
      noDevice: "No accelerator",
      disk: "Free disk",
      history: "History",
      noHistory: "Nothing has changed yet",
      logs: "Logs",
      engineLog: "Engine",
      pageLog: "Page",
      empty: "Nothing written yet",
      live: "Live",
      paused: "Scrolled up: new lines wait below",
      away: "The page does not answer; trying again…",
      ago: [
        [86400, "d"],
        [3600, "h"],
        [60, "min"],
        [1, "s"],
      ],
    },
    zh: {
      title: "运行状态",
      toChat: "对话",
      colon: "：",
      states: { ready: "就绪", starting: "正在启动", stopping: "正在停止", stopped: "已停止", failed: "启动失败" },
      engine: "引擎",
      page: "页面",
      model: "模型",
      runsOn: "运行于",
      context: "上下文",
      tokens: (count) => `${count.toLocaleString("zh-CN")} 词元`,
      characters: (count) => `${count.toLocaleString("zh-CN")} 个字符`,
      since: "开始于",
      restarts: "重启次数",
      why: "为何选用此引擎",
      retry: "重试",
      now: "当前",
      open: "打开的对话",
      answering: "正在回答",
      waiting: "等待中",
      firstToken: "首个词元用时",
      speed: "速度",
      seconds: "秒",
      perSecond: "词元/秒",
      charactersPerSecond: "字符/秒",
      median: "中位数",
      lastHour: "最近一小时",
      noTurns: "最近一小时没有回答",
      machine: "本机",
      processor: (cores) => `处理器，${cores} 核`,
      memory: "内存",
      deviceMemory: "显存",
      deviceLoad: "负载",
      noDevice: "没有加速卡",
      disk: "剩余磁盘",
      history: "历史",
      noHistory: "暂无变化",
      logs: "日志",
      engineLog: "引擎",
      pageLog: "页面",
      empty: "暂无内容",
      live: "实时",
      paused: "已向上滚动，新内容在下方",
      away: "页面没有响应，正在重试……",
      ago: [
        [86400, "天"],
        [3600, "小时"],
        [60, "分"],
        [1, "秒"],
      ],
    },
  };
  const text = words[document.documentElement.lang.startsWith("zh") ? "zh" : "en"];

  // An element with what is in it: strings and elements; null is left out.
  function element(tag, className, ...inside) {
    const made = Object.assign(document.createElement(tag), { className });
    made.append(...inside.filter((part) => part !== null && part !== undefined));
    return made;
  }

  function duration(seconds) {
    const at = text.ago.findIndex(([size]) => seconds >= size);
    if (at < 0) return `0 ${text.ago.at(-1)[1]}`;
    const parts = text.ago.slice(at, at + 2).map(([size, name], n, both) => {
      const count = Math.floor((n ? seconds % both[0][0] : seconds) / size);
      return count || !n ? `${count} ${name}` : "";
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

  // A name, a figure, and a bar as long as `share` (0-1; null: no bar), which turns red where `scarce` runs out.
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

  // A round figure somewhat above `most`.
  function niceTop(most) {
    const power = 10 ** Math.floor(Math.log10(most));
    return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((top) => top >= most * 1.05) ?? 10 * power;
  }

  // Of an even count the mean of the two in the middle, as `./start.sh status` has it.
  function median(values) {
    const sorted = values.slice().sort((a, b) => a - b);
    return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.floor(sorted.length / 2)]) / 2;
  }

  // The last hour as dots, with a line through the medians of its five-minute pieces. `points`: [Unix time, value].
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

  return { text, element, duration, clock, gibibytes, meter, plot, median };
})();
