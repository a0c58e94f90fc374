// kimi.tab: this tab among the others of the browser that show the page.
"use strict";

kimi.tab = (() => {
  const PATIENCE = 250; // milliseconds for the other tabs to answer
  const KEY = "kimi-tab";

  const channel = new BroadcastChannel("kimi-tabs");
  let own = sessionStorage.getItem(KEY);
  let answers = new Set();

  channel.addEventListener("message", ({ data }) => {
    if (data.here) answers.add(data.here);
    else if (own) channel.postMessage({ here: own });
  });

  // The ids of the other tabs.
  async function others() {
    answers = new Set();
    channel.postMessage({});
    await new Promise((resolve) => setTimeout(resolve, PATIENCE));
    return answers;
  }

  // The id of this tab, which it keeps when it is loaded again. A tab that was duplicated has its original's at first.
  async function identify() {
    if (!own || (await others()).has(own)) {
      // A page over plain http has no crypto.randomUUID.
      own = crypto.getRandomValues(new Uint32Array(2)).join("-");
      sessionStorage.setItem(KEY, own);
    }
    return own;
  }

  return { id: identify(), others };
})();
