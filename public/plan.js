// The generator of commands: what there is to choose, what of it fits, and the commands of the choice. The address
// has the whole choice, so that it can be shared.
"use strict";

(() => {
  const { ask, element, header, link } = watch;
  const text = words.plan;
  document.title = `${text.title} · Kimi-VL Chat`;

  let query = new URLSearchParams(location.search).toString();
  let format = "shell";
  let shown = null;

  const typed = (tag, className, attributes, ...inside) => Object.assign(element(tag, className, ...inside), attributes);
  const unseen = (words) => element("span", "unseen", words);

  const TITLES = {
    model: (option) => option.title,
    accelerator: (option) => option.title,
    engine: (option) => option.title || text.automatic,
    variant: (option) => option.title.toUpperCase() || text.published,
    tuning: (option) => text.tunings[option.name || "none"],
    capability: (option) => text.capabilities[option.name],
  };

  // One of several, or any of them: a chip each. They are made once, so that the focus stays where it is.
  function choice(axis) {
    const box = element("div", "chips");
    const set = element("fieldset", "set", element("legend", "", text.axes[axis]), box);
    set.dataset.axis = axis;
    const chip = (option) => {
      const type = axis === "capability" ? "checkbox" : "radio";
      const input = typed("input", "", { type, name: axis, value: option.name });
      const made = element("label", "chip", input, element("span", "", TITLES[axis](option)), unseen(""));
      made.dataset.name = option.name;
      input.addEventListener("change", () => load(made.dataset.query));
      return made;
    };
    const vendorOf = (option) => text.vendors[option.vendor];
    function chips(options) {
      if (axis !== "accelerator") return options.map(chip);
      return [...new Set(options.map(vendorOf))].map((vendor) =>
        element("div", "vendor", element("p", "quiet", vendor), ...options.filter((one) => vendorOf(one) === vendor).map(chip)),
      );
    }
    function draw(options) {
      const names = options.map((option) => option.name).join("\n");
      if (box.dataset.names !== names) box.replaceChildren(...chips(options));
      box.dataset.names = names;
      for (const option of options) {
        const made = box.querySelector(`[data-name="${CSS.escape(option.name)}"]`);
        made.querySelector("input").checked = option.chosen;
        made.dataset.query = option.query;
        made.classList.toggle("chip-no", Boolean(option.why));
        made.querySelector(".unseen").textContent = option.why ? `${text.colon}${text.noFit}` : "";
        made.title = option.why;
      }
      set.hidden = axis === "variant" && options.length < 2;
    }
    return { set, draw };
  }

  const MOST = { count: 64, nodes: 16, memory: 4096 };
  function numbers() {
    const inputs = Object.entries(MOST).map(([name, max]) => {
      const input = typed("input", "number", { type: "number", name, min: 1, max, step: 1 });
      input.addEventListener("change", () => {
        const changed = new URLSearchParams(query);
        if (input.value && input.checkValidity()) changed.set(name, input.value);
        else changed.delete(name);
        load(changed.toString());
      });
      return input;
    });
    const set = element("fieldset", "set", element("legend", "", text.machine));
    const row = element("div", "numbers");
    const labels = { count: text.count, nodes: text.nodes, memory: text.memory };
    row.append(...inputs.map((input) => element("label", "", element("span", "quiet", labels[input.name]), input)));
    set.append(row);
    function draw(figures) {
      for (const input of inputs) {
        const { value, usual } = figures[input.name];
        input.placeholder = usual ?? "";
        input.value = value ?? "";
      }
    }
    return { set, draw };
  }

  async function copy(button, code) {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = text.copied;
    } catch {
      // Without HTTPS, browsers have no clipboard.
      getSelection().selectAllChildren(code);
      say(text.copyFailed);
    }
  }

  function block(title, lines) {
    const code = typed("pre", "code", { tabIndex: 0 }, lines);
    code.setAttribute("role", "region");
    code.setAttribute("aria-label", title);
    const button = typed("button", "button copy", { type: "button" }, text.copy);
    button.setAttribute("aria-label", `${text.copy}${text.colon}${title}`);
    button.addEventListener("click", () => copy(button, code));
    return element("div", "block", element("div", "block-head", element("h3", "", title), button), code);
  }

  const list = (sentences) => element("ul", "", ...sentences.map((sentence) => element("li", "", sentence)));
  const section = (title, ...inside) => element("section", "card", element("h2", "", title), ...inside);
  const form = typed("form", "card choices", { ariaLabel: text.title });
  const axes = Object.fromEntries(Object.keys(TITLES).map((axis) => [axis, choice(axis)]));
  const figures = numbers();
  form.append(
    ...[axes.model, axes.accelerator, figures, axes.engine, axes.variant, axes.tuning, axes.capability].map(({ set }) => set),
  );
  form.addEventListener("submit", (event) => event.preventDefault());

  const verdict = element("div", "card verdict");
  verdict.setAttribute("role", "status");
  const away = typed("p", "away", { hidden: true });
  away.setAttribute("role", "alert");
  const say = (sentence) => Object.assign(away, { hidden: !sentence, textContent: sentence });
  const found = element("div", "found");
  document
    .getElementById("plan")
    .append(
      header(text.title, link(text.toStatus, "/status"), link(text.toChat, "/")),
      away,
      element("div", "plan", form, element("div", "outcome", verdict, found)),
    );

  function formats(scripts) {
    const chips = Object.keys(scripts).map((name) => {
      const input = typed("input", "", { type: "radio", name: "format", value: name, checked: name === format });
      input.addEventListener("change", () => {
        format = name;
        drawPlan(shown);
        found.querySelector(`[value=${name}]`).focus();
      });
      return element("label", "chip", input, element("span", "", text.formats[name]));
    });
    return element("fieldset", "chips", element("legend", "unseen", text.commands), ...chips);
  }

  function drawPlan({ plan, command, options }) {
    const others = Object.entries(options).flatMap(([axis, all]) =>
      all.filter(({ why, chosen }) => why && !chosen).map((option) => `${TITLES[axis](option)}${text.colon}${option.why}`),
    );
    const unfit = others.length
      ? element("details", "why", element("summary", "", fill(text.others, { count: others.length })), list(others))
      : null;
    if (!plan) {
      found.replaceChildren(section(text.why, unfit));
      return;
    }
    const scripts = plan.scripts[format] ?? plan.scripts.shell;
    const several = plan.scripts.shell.length > 1;
    const launches = scripts.map((lines, rank) => block(several ? fill(text.node, { rank }) : text.launch, lines));
    const first = format !== "shell" && plan.first ? block(text.first, plan.first) : null;
    found.replaceChildren(
      section(text.commands, formats(plan.scripts), first, ...launches, block(text.verify, plan.verify), block(text.page, plan.page)),
      section(text.why, list(plan.reasons), element("p", "quiet", fill(text.checked, { what: plan.checked })), unfit),
      ...(plan.advice.length ? [section(text.trouble, list(plan.advice))] : []),
      element("section", "card", block(text.same, command)),
    );
  }

  function draw(next) {
    shown = next;
    query = next.query;
    for (const [axis, options] of Object.entries(next.options)) axes[axis].draw(options);
    figures.draw(next.numbers);
    verdict.dataset.fits = next.plan ? "yes" : "no";
    verdict.replaceChildren(
      element("strong", "", next.plan ? text.fits : text.noFit),
      element("span", "", next.plan ? next.plan.title : next.error),
    );
    if (!(format in (next.plan?.scripts ?? { [format]: 0 }))) format = "shell";
    drawPlan(next);
  }

  let asked = 0;
  async function load(wanted, remember = true) {
    const mine = ++asked;
    try {
      const reply = await ask(`/api/plan?${wanted}`);
      const next = await reply.json();
      if (mine !== asked) return;
      say(next.options ? "" : next.error ?? next.detail ?? text.away);
      if (next.options) {
        draw(next);
        if (remember) history.pushState(null, "", `?${query}`);
      } else if (!shown && wanted && reply.status !== 403) {
        // An address that somebody typed wrongly still leads to what there is.
        const sentence = away.textContent;
        await load("", false);
        say(sentence);
      }
    } catch {
      if (mine === asked) say(text.away);
    }
  }

  addEventListener("popstate", () => load(location.search.slice(1), false));
  load(query, false);
})();
