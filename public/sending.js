// Questions on their way to the server: each is sent until the server says that it has it, on every new connection of
// its chat again. The server takes each one once, by its id (app/sockets.py).
"use strict";

(() => {
  const unsent = new Map();
  const files = new Map();
  let timer = 0;
  let connections = 0;

  // A file's copy on the server goes with the session that it was uploaded to: by a restart, or another chat.
  async function upload(file, sessionId) {
    const body = new FormData();
    body.append("file", file);
    const reply = await fetch(`/project/file?session_id=${sessionId}`, { method: "POST", body });
    const said = await reply.json();
    if (!reply.ok) throw new Error(said.detail);
    kimi.keepFile(said.id, file);
    return said.id;
  }

  async function replaceFiles(socket, payload, missing) {
    for (const reference of payload.fileReferences.filter(({ id }) => missing.includes(id))) {
      reference.id = await upload(files.get(reference.id), socket.auth.sessionId);
    }
  }

  function deliver(socket, { payload, fail }) {
    const { id } = payload.message;
    socket.emit("client_message", payload, async (reply) => {
      if (!reply?.missing) {
        unsent.delete(id);
        for (const reference of payload.fileReferences) files.delete(reference.id);
        return;
      }
      try {
        await replaceFiles(socket, payload, reply.missing);
        if (unsent.has(id) && socket.connected) deliver(socket, unsent.get(id));
      } catch {
        // The next connection tries again.
        fail(kimi.text.filesGone);
      }
    });
  }

  Object.assign(kimi, {
    // What is in the composer, which is drawn anew more often than a person thinks.
    draft: "",

    keepFile: (id, file) => files.set(id, file),

    // `fail` shows a sentence.
    send(socket, { message, fileReferences }, fail) {
      unsent.set(message.id, { payload: { message, fileReferences: fileReferences.map(({ id }) => ({ id })) }, fail });
      // Without a connection it waits for the next one: Socket.IO would send it before the page has said hello.
      if (socket?.connected) deliver(socket, unsent.get(message.id));
    },

    sendAgain(socket) {
      for (const one of unsent.values()) deliver(socket, one);
    },

    unsent: () => [...unsent.values()].map(({ payload }) => payload.message),

    forget() {
      unsent.clear();
      connections += 1;
    },

    // The chat is gone, for which this was typed.
    putBack() {
      const words = kimi.unsent().map(({ output }) => output);
      if (words.length) kimi.draft = [...words, kimi.draft].filter(Boolean).join("\n");
    },

    // What a page connects with changes in quick steps; it connects when it has not changed for a moment.
    connect(connect, options) {
      connections += 1;
      clearTimeout(timer);
      timer = setTimeout(connect, 200, options);
    },

    // Counts a connection; the function says whether another one has begun since.
    connecting() {
      const mine = (connections += 1);
      return () => mine !== connections;
    },
  });
})();
