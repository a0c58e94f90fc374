// kimi.frames: the frames of a video, and times in an answer as links to them. A frame's time is at the end of its name
// (engine/formats/moments.py).
"use strict";

kimi.frames = (() => {
  const NAMED = / · ((?:\d+:)?\d?\d:\d\d)$/;
  const SHOWN = 2000; // milliseconds for which the frame that was jumped to is marked

  let last = -1; // the time of the last frame on the page, in seconds

  const seconds = (time) => time.split(":").reduce((sum, part) => 60 * sum + Number(part), 0);

  // The time of the picture of this name; undefined if it is no frame. Called when the picture is rendered, which is
  // before the answers below it.
  function timeOf(name) {
    const time = NAMED.exec(name)?.[1];
    if (time) last = Math.max(last, seconds(time));
    return time;
  }

  // Whether a video here is as long as that.
  const reaches = (time) => seconds(time) <= last;

  function forget() {
    last = -1;
  }

  // The frame at this time or the last one before it, in the last video above the link.
  function frameFor(link, time) {
    const above = [...document.querySelectorAll("[data-time]")].filter(
      (frame) => frame.compareDocumentPosition(link) & Node.DOCUMENT_POSITION_FOLLOWING,
    );
    const question = above.at(-1)?.closest(".step");
    const frames = above.filter((frame) => frame.closest(".step") === question);
    return frames.findLast((frame) => seconds(frame.dataset.time) <= seconds(time)) ?? frames[0];
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('.prose a[href^="#at-"]');
    if (!link) return;
    event.preventDefault();
    const frame = frameFor(link, link.getAttribute("href").slice("#at-".length));
    if (!frame) return;
    frame.tabIndex = -1;
    frame.focus({ preventScroll: true });
    frame.scrollIntoView({ block: "center", inline: "center" });
    frame.classList.add("jumped-to");
    setTimeout(() => frame.classList.remove("jumped-to"), SHOWN);
  });

  return { timeOf, reaches, forget };
})();
