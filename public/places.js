// kimi.places: what an answer is about, drawn over its pictures, beside the list of its words. The server sends places as
// shares of a picture's width and height. On a wide screen the viewer stands beside the chat.
"use strict";

kimi.places = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const UNIT = 1000; // the drawing's units for a whole side
  const STEP = 1.5;
  const MOST_ZOOM = 8;
  const MOST_FIT = 4; // times by which a small picture is enlarged at most until the user zooms
  const WIDE = matchMedia("(min-width: 1200px)");

  let dialog = null;
  let pressed = { id: "" }; // the button, which loses the focus while the server answers

  document.addEventListener("click", ({ target }) => {
    pressed = target.closest?.('[id^="show_places-"]') ?? pressed;
  });

  const element = (tag, attributes, ...children) => {
    const made = Object.assign(document.createElement(tag), attributes);
    made.append(...children);
    return made;
  };

  function button(textContent, label, press) {
    const made = element("button", { type: "button", textContent, title: label });
    made.setAttribute("aria-label", label);
    made.addEventListener("click", press);
    return made;
  }

  // A point is a line of no length, whose round ends are a dot of the same size at any zoom.
  function drawn({ shape }) {
    const at = shape.map((share) => share * UNIT);
    const mark = document.createElementNS(SVG, "path");
    const corners = at.flatMap((x, n) => (n % 2 ? [] : [`${x} ${at[n + 1]}`]));
    mark.setAttribute("d", corners.length > 1 ? `M ${corners.join(" L ")} Z` : `M ${corners[0]} h 0`);
    mark.classList.toggle("point", corners.length === 1);
    return mark;
  }

  // A mark and its entry in the list, which light up together.
  function pair(place, number, stage) {
    const mark = drawn(place);
    const entry = element("button", { type: "button", textContent: place.label || fill(kimi.text.place, { number }) });
    const light = (on) => {
      for (const one of [mark, entry]) one.classList.toggle("lit", on);
    };
    for (const one of [mark, entry]) {
      one.addEventListener("pointerenter", () => light(true));
      one.addEventListener("pointerleave", () => light(false));
    }
    mark.addEventListener("pointerenter", () => entry.scrollIntoView({ block: "nearest" }));
    mark.addEventListener("click", () => entry.focus());
    entry.addEventListener("focus", () => light(true));
    entry.addEventListener("blur", () => light(false));
    entry.addEventListener("click", () => show(mark, stage));
    return { mark, entry };
  }

  // Scrolls the picture, and nothing else, until the mark is in its middle.
  function show(mark, stage) {
    const [inner, outer] = [mark.getBoundingClientRect(), stage.getBoundingClientRect()];
    stage.scrollBy({
      left: inner.x + inner.width / 2 - outer.x - outer.width / 2,
      top: inner.y + inner.height / 2 - outer.y - outer.height / 2,
    });
  }

  function picture({ url, name, places }) {
    const image = element("img", { src: url, alt: name });
    const marks = document.createElementNS(SVG, "svg");
    marks.setAttribute("viewBox", `0 0 ${UNIT} ${UNIT}`);
    marks.setAttribute("preserveAspectRatio", "none");
    marks.setAttribute("aria-hidden", "true");
    const stage = element("div", { className: "places-stage", tabIndex: 0 }, element("div", {}, image, marks));
    stage.setAttribute("role", "group");
    stage.setAttribute("aria-label", name);
    const list = element("ol", { className: "places-list" });
    for (const [at, place] of places.entries()) {
      const { mark, entry } = pair(place, at + 1, stage);
      marks.append(mark);
      list.append(element("li", {}, entry));
    }
    return { stage, image, marks, list };
  }

  // Returns functions that fit the picture into its stage, larger by the zoom, around the same middle.
  function zooming(stage, image) {
    let zoom = 1;
    const draw = () => {
      if (!image.naturalWidth) return;
      const [width, height] = [stage.clientWidth / image.naturalWidth, stage.clientHeight / image.naturalHeight];
      image.style.width = `${image.naturalWidth * Math.min(width, height, MOST_FIT) * zoom}px`;
    };
    const by = (factor) => {
      const middle = (at, size, whole) => (at + size / 2) / whole;
      const x = middle(stage.scrollLeft, stage.clientWidth, stage.scrollWidth);
      const y = middle(stage.scrollTop, stage.clientHeight, stage.scrollHeight);
      zoom = Math.min(MOST_ZOOM, Math.max(1, zoom * factor));
      draw();
      stage.scrollTo(x * stage.scrollWidth - stage.clientWidth / 2, y * stage.scrollHeight - stage.clientHeight / 2);
    };
    image.addEventListener("load", draw);
    new ResizeObserver(draw).observe(stage);
    return { larger: () => by(STEP), smaller: () => by(1 / STEP) };
  }

  function toggle(marks) {
    const made = element("button", { type: "button", textContent: kimi.text.marks });
    const set = (on) => {
      made.setAttribute("aria-pressed", on);
      marks.classList.toggle("off", !on);
    };
    set(true);
    made.addEventListener("click", () => set(made.getAttribute("aria-pressed") !== "true"));
    return made;
  }

  // Fills the viewer with one of the pictures.
  function fillIn(found, at) {
    const { stage, image, marks, list } = picture(found.pictures[at]);
    const { larger, smaller } = zooming(stage, image);
    const bar = element("div", { className: "places-bar" }, toggle(marks));
    bar.append(button("−", kimi.text.smaller, smaller), button("+", kimi.text.larger, larger));
    const count = found.pictures.length;
    if (count > 1) {
      const go = (to) => {
        fillIn(found, (to + count) % count);
        dialog.querySelector(to < at ? ".places-back" : ".places-on").focus();
      };
      const back = button("‹", kimi.text.previousPicture, () => go(at - 1));
      const on = button("›", kimi.text.nextPicture, () => go(at + 1));
      back.className = "places-back";
      on.className = "places-on";
      const place = element("span", { textContent: fill(kimi.text.numberOf, { number: at + 1, count }) });
      place.setAttribute("role", "status");
      bar.append(back, place, on);
    }
    const told = found.cut
      ? [element("p", { textContent: fill(kimi.text.placesCut, { count: found.pictures.flatMap((one) => one.places).length }) })]
      : [];
    const title = element("h2", { textContent: found.pictures[at].name });
    dialog.querySelector(".places-body").replaceChildren(title, bar, ...told, stage, list);
    dialog.setAttribute("aria-label", found.pictures[at].name);
    dialog.onkeydown = ({ key }) => (key === "+" && larger()) || (key === "-" && smaller());
  }

  // The answer may be left, or be replaced by another one, while the viewer stands beside it.
  function closeWith(id) {
    const observer = new MutationObserver(() => document.getElementById(id) || dialog?.close());
    if (document.getElementById(id)) observer.observe(document.body, { childList: true, subtree: true });
    return () => observer.disconnect();
  }

  function open(found) {
    dialog?.close();
    const beside = WIDE.matches;
    const viewer = kimi.files.viewer(found.pictures[0].name, element("div", { className: "places-body" }));
    dialog = viewer;
    dialog.classList.add("places");
    document.documentElement.classList.toggle("places-beside", beside);
    fillIn(found, 0);
    const { id } = pressed;
    const stop = closeWith(id);
    dialog.addEventListener("close", () => {
      stop();
      if (dialog !== viewer) return;
      dialog = null;
      document.documentElement.classList.remove("places-beside");
      document.getElementById(id)?.focus();
    });
    if (beside) dialog.show();
    else dialog.showModal();
  }

  addEventListener("message", ({ origin, data }) => {
    const own = origin === location.origin && data?.type === "kimi-places" && data.pictures?.length;
    if (own && data.pictures.every(({ url }) => url.startsWith("/project/thread/"))) open(data);
  });
})();
