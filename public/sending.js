// Sends questions: each is sent again on every new connection until the server acknowledges it. The server recognises
// repeats by their id (app/page/incoming/arrivals.py).
"use strict";

(() => {
  const unsent = new Map();
  const files = new Map();
  let timer = 0;
  let connections = 0;

  // The server deletes an uploaded file with its session: after a restart, or when another chat is chosen.
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
        // Retried on the next connection.
        fail(kimi.text.filesGone);
      }
    });
  }

  Object.assign(kimi, {
    // The draft, which outlives the composer: React replaces that when the chat or the preset changes.
    draft: "",

    keepFile: (id, file) => files.set(id, file),

    // `fail` shows a sentence.
    send(socket, { message, fileReferences }, fail) {
      unsent.set(message.id, { payload: { message, fileReferences: fileReferences.map(({ id }) => ({ id })) }, fail });
      // Without a connection it waits for the next one: Socket.IO's buffer would send it before connection_successful.
      if (socket?.connected) deliver(socket, unsent.get(message.id));
    },

    sendAgain(socket) {
      for (const one of unsent.values()) deliver(socket, one);
    },

    unsent: () => [...unsent.values()].map(({ payload }) => payload.message),

    // The user leaves the chat. What could not be sent without a connection goes back into the composer.
    forget(socket) {
      const words = socket?.connected ? [] : kimi.unsent().map(({ output }) => output);
      kimi.draft = [...words, kimi.draft].filter(Boolean).join("\n");
      unsent.clear();
      connections += 1;
    },

    // The server has closed the connection: the user is signed out, or the page has to reconnect.
    async sentAway(socket) {
      const reply = await fetch("/user").catch(() => null);
      if (reply?.status === 401) location.assign("/login");
      else setTimeout(() => socket.connect(), 1000);
    },

    // Socket.IO does not reconnect by itself when the server has closed the connection. A window that the server has
    // disconnected because the user has too many stays disconnected: otherwise it would push out the next one.
    watchConnection(socket) {
      let tooMany = false;
      socket.on("too_many_windows", () => {
        tooMany = true;
      });
      socket.on("disconnect", (reason) => {
        if (reason === "io server disconnect" && !tooMany) kimi.sentAway(socket);
      });
    },

    // The options of a connection change in quick succession; connect once they have been stable for 200 ms.
    connect(connect, options) {
      connections += 1;
      clearTimeout(timer);
      timer = setTimeout(connect, 200, options);
    },

    // Counts a connection; the returned function reports whether another one has begun since.
    connecting() {
      const mine = (connections += 1);
      return () => mine !== connections;
    },
  });
})();
