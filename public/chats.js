// Chats as files: saved from a chat's menu, imported by the button above the list.
"use strict";

Object.assign(kimi, {
  save(url, name = "") {
    const link = Object.assign(document.createElement("a"), { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
  },

  // `fail` shows a sentence. The imported chat is opened by loading the page again, which also updates the list.
  bringIn(fail) {
    const input = Object.assign(document.createElement("input"), { type: "file", accept: ".json,application/json" });
    input.addEventListener("change", async () => {
      try {
        const headers = { "Content-Type": "application/json" };
        const reply = await fetch("/api/threads/import", { method: "POST", headers, body: input.files[0] });
        const said = await reply.json();
        if (reply.ok) location.assign(`/thread/${said.threadId}`);
        else fail(said.detail);
      } catch {
        fail(kimi.text.requestFailed);
      }
    });
    input.click();
  },
});

// The download button below a long answer is handled by the server, which sends this window a message with the URL.
addEventListener("message", (event) => {
  const own = event.origin === location.origin && event.data?.type === "kimi-download";
  if (own && /^\/api\/answers\/[0-9a-f-]+\/answer\.md$/.test(event.data.url)) kimi.save(event.data.url);
});
