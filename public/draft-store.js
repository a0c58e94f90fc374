// kimi.draftStore: drafts in the browser's database, by person and chat. Each call ends after two seconds at the latest
// and never fails: where the browser has no database, or one that hangs, drafts last as long as the page.
"use strict";

kimi.draftStore = (() => {
  const PATIENCE = 2000; // milliseconds
  const MOST = 50; // drafts in the browser
  const MOST_BYTES = { words: 4_000_000, files: 256_000_000 };
  const OLDEST = 30 * 24 * 60 * 60 * 1000; // milliseconds

  let opening = null;
  let hangs = false;

  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });

  function open() {
    const request = indexedDB.open("kimi-drafts", 1);
    request.onupgradeneeded = () => Object.keys(MOST_BYTES).forEach((kind) => request.result.createObjectStore(kind));
    return done(request);
  }

  // Runs `work` on the database; without one, or if it does not reply in time, the result is `otherwise`.
  async function use(work, otherwise) {
    if (hangs) return otherwise;
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(() => resolve((hangs = true) && otherwise), PATIENCE);
    });
    const replied = (async () => {
      opening ??= open();
      return work(await opening);
    })();
    try {
      return await Promise.race([replied, late]);
    } catch {
      return otherwise;
    } finally {
      clearTimeout(timer);
    }
  }

  const kept = (database, kind, key) => done(database.transaction(kind).objectStore(kind).get(key));

  // The draft of a chat: its words and its files.
  const get = (person, chat) =>
    use(
      async (database) => {
        const [words, files] = await Promise.all(Object.keys(MOST_BYTES).map((kind) => kept(database, kind, [person, chat])));
        return { words: words?.value ?? "", files: files?.value ?? [] };
      },
      { words: "", files: [] },
    );

  // Removes what is too old, and the oldest until a new draft of `bytes` fits.
  function makeRoom(store, bytes, most) {
    let count = 0;
    let sum = bytes;
    const entries = [];
    return new Promise((resolve) => {
      store.openCursor().onsuccess = ({ target: { result: cursor } }) => {
        if (cursor) {
          entries.push({ key: cursor.key, bytes: cursor.value.bytes, at: cursor.value.at });
          return cursor.continue();
        }
        for (const entry of entries.sort((one, other) => other.at - one.at)) {
          count += 1;
          sum += entry.bytes;
          if (count >= MOST || sum > most || Date.now() - entry.at > OLDEST) store.delete(entry.key);
        }
        resolve();
      };
    });
  }

  // Keeps `value`, of a size in bytes; `null` removes it. Returns whether it is not too large.
  async function put(kind, person, chat, value, bytes) {
    const fits = bytes <= MOST_BYTES[kind];
    await use(async (database) => {
      const transaction = database.transaction(kind, "readwrite");
      const store = transaction.objectStore(kind);
      await done(store.delete([person, chat]));
      if (value === null || !fits) return;
      await makeRoom(store, bytes, MOST_BYTES[kind]);
      await done(store.put({ value, bytes, at: Date.now() }, [person, chat]));
    });
    return fits;
  }

  // Removes all drafts of a person.
  const clear = (person) =>
    use((database) => {
      const own = IDBKeyRange.bound([person], [person, []]);
      const kinds = Object.keys(MOST_BYTES);
      const transaction = database.transaction(kinds, "readwrite");
      return Promise.all(kinds.map((kind) => done(transaction.objectStore(kind).delete(own))));
    });

  return {
    get,
    clear,
    putWords: (person, chat, words) => put("words", person, chat, words || null, 2 * words.length),
    putFiles: (person, chat, files) =>
      put("files", person, chat, files.length ? files : null, files.reduce((sum, { size }) => sum + size, 0)),
  };
})();
